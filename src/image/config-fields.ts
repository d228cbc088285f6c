import { isDeepStrictEqual } from "node:util";
import type { ImageRunConfig } from "./config.ts";

/** A field of a configuration; undefined where it is not there. */
export function fieldOf(config: ImageRunConfig, field: string): unknown {
  return Object.hasOwn(config, field) ? config[field] : undefined;
}

/** Whether two values mean the same: builders differ in how they write that there is nothing. */
export function isSame(one: unknown, other: unknown): boolean {
  return isDeepStrictEqual(isNothing(one) ? null : one, isNothing(other) ? null : other);
}

/** Env, Labels and the like by name; null for fields of another kind. */
export function entriesOf(field: string, value: unknown): Map<string, unknown> | null {
  if (isNothing(value)) return new Map();
  if (field === "Env" && Array.isArray(value)) {
    return new Map(value.map((line: unknown) => [String(line).split("=")[0] ?? "", line]));
  }
  return ["Labels", "ExposedPorts", "Volumes"].includes(field) && typeof value === "object" && value !== null
    ? new Map(Object.entries(value))
    : null;
}

/** The field's value of {@link entriesOf}. */
export function ofEntries(field: string, entries: Iterable<readonly [string, unknown]>): unknown {
  return field === "Env" ? [...entries].map(([, value]) => value) : Object.fromEntries(entries);
}

function isNothing(value: unknown): boolean {
  return (
    value === null ||
    value === undefined ||
    value === "" ||
    value === false ||
    (typeof value === "object" && Object.keys(value).length === 0)
  );
}
