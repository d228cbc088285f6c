import { z } from "zod";
import { fail } from "../base/errors.ts";
import type { Filters } from "../base/filters.ts";
import type { Nanoseconds } from "../base/timestamp.ts";

/**
 * Schemas for what stands behind the `?`, read as Docker reads it: the first of several values counts, a parameter that is
 * not there has its type's zero, and truth is whatever is not one of a few words for no.
 */

/** Each parameter with all its values, in order; the input of every query schema. */
export type RawQuery = Readonly<Record<string, readonly string[]>>;

export function parseRawQuery(text: string): RawQuery {
  const query: Record<string, string[]> = Object.create(null);
  for (const [name, value] of new URLSearchParams(text)) {
    const values = query[name];
    if (values) values.push(value);
    else query[name] = [value];
  }
  return query;
}

const values = z.array(z.string()).readonly().optional();

const NO = new Set(["", "0", "no", "false", "none"]);

/** A boolean with a default for the parameter that is missing; an empty value is false all the same. */
export function queryFlagOr(fallback: boolean) {
  return values.transform((given) => {
    const [value] = given ?? [];
    return value === undefined ? fallback : !NO.has(value.trim().toLowerCase());
  });
}

export const queryFlag = queryFlagOr(false);

export const queryText = values.transform((given) => given?.[0] ?? "");

/** The text, or undefined where the parameter is missing; empty where it is there without a value. */
export const queryOptionalText = values.transform((given) => given?.[0]);

export const queryTexts = values.transform((given): readonly string[] => given ?? []);

/** undefined where missing or empty. */
export const queryInteger = values.transform((given, context): number | undefined => {
  const [value = ""] = given ?? [];
  if (value === "") return undefined;
  const number = /^[+-]?\d{1,19}$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(number)) return number;
  context.addIssue({ code: "custom", message: `${JSON.stringify(value)} is not an integer` });
  return z.NEVER;
});

/** A moment as `seconds[.fraction]` since the epoch; undefined where missing or empty. */
export const queryTime = values.transform((given, context): Nanoseconds | undefined => {
  const [value = ""] = given ?? [];
  if (value === "") return undefined;
  const match = /^(-?\d{1,12})(?:\.(\d{1,9}))?$/.exec(value);
  if (!match) {
    context.addIssue({ code: "custom", message: `${JSON.stringify(value)} is not a time in seconds since the epoch` });
    return z.NEVER;
  }
  const [, seconds = "0", fraction = ""] = match;
  return BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
});

/** As {@link queryTime}, and undefined where zero, which Docker takes for "not set" in a log's bounds, but not in those of events. */
export const queryLogTime = queryTime.transform((time) => (time === 0n ? undefined : time));

/** JSON inside a parameter, checked by a schema; undefined where missing or empty. */
export function queryJson<T>(schema: z.ZodType<T>) {
  return values.transform((given, context): T | undefined => {
    const [value = ""] = given ?? [];
    if (value === "") return undefined;
    const parsed = schema.safeParse(parseJson(value));
    if (parsed.success) return parsed.data;
    context.addIssue({ code: "custom", message: `it is not JSON of the expected shape: ${value.slice(0, 80)}` });
    return z.NEVER;
  });
}

const FiltersSchema = z.record(
  z.string(),
  z.union([
    z.array(z.string()),
    z.record(z.string(), z.boolean()).transform((chosen) => Object.keys(chosen).filter((value) => chosen[value])),
  ]),
);

/** `filters` in both of Docker's encodings: `{"label":["a"]}` and, since 1.22, `{"label":{"a":true}}`. */
export const queryFilters = values.transform((given): Filters => {
  const [value = ""] = given ?? [];
  if (value === "") return new Map();
  const parsed = FiltersSchema.nullable().safeParse(parseJson(value));
  if (!parsed.success) fail("invalid", "INVALID_FILTER", "invalid filter");
  return new Map(Object.entries(parsed.data ?? {}));
});

/** undefined for text that is not JSON, which no schema here accepts. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
