import { fail } from "../base/errors.ts";

/** The Engine API's `filters` parameter, parsed: each key with the values given for it. */
export type Filters = ReadonlyMap<string, readonly string[]>;

export const NO_FILTERS: Filters = new Map();

/** @throws invalid `INVALID_FILTER` in Docker's words for a key that the endpoint does not know. */
export function assertKnownFilters(filters: Filters, known: readonly string[]): void {
  for (const key of filters.keys()) {
    if (!known.includes(key)) fail("invalid", "INVALID_FILTER", `invalid filter '${key}'`);
  }
}

/** Every wanted `name` or `name=value` must hold; `label!` refuses instead. */
export function matchesLabels(labels: Readonly<Record<string, string>>, filters: Filters): boolean {
  const has = (wanted: string) => {
    const at = wanted.indexOf("=");
    return at < 0 ? Object.hasOwn(labels, wanted) : labels[wanted.slice(0, at)] === wanted.slice(at + 1);
  };
  return (filters.get("label") ?? []).every(has) && !(filters.get("label!") ?? []).some(has);
}

/** True where no value was given, or one of them fits. */
export function matchesAny(filters: Filters, key: string, accept: (value: string) => boolean): boolean {
  const values = filters.get(key);
  return values === undefined || values.length === 0 || values.some(accept);
}

/** A filter that takes one boolean, in Docker's spellings. */
export function booleanFilter(filters: Filters, key: string): boolean | undefined {
  const values = filters.get(key);
  const [value] = values ?? [];
  if (value === undefined) return undefined;
  if (/^(1|true|t)$/i.test(value)) return true;
  if (/^(0|false|f)$/i.test(value)) return false;
  return fail("invalid", "INVALID_FILTER", `invalid filter '${key}=${value}'`);
}
