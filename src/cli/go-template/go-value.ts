/** A value as Go's `{{.}}` prints it: `map[a:1 b:2]`, `[x y]`, `<no value>`. */
export function formatGoValue(value: unknown): string {
  if (value === undefined) return "<no value>";
  return formatInside(value);
}

function formatInside(value: unknown): string {
  if (value === undefined || value === null) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(formatInside).join(" ")}]`;
  if (typeof value === "object") {
    const pairs = sortedEntries(value).map(([key, inner]) => `${key}:${formatInside(inner)}`);
    return `map[${pairs.join(" ")}]`;
  }
  return String(value);
}

/** Go's idea of emptiness, by which `if` decides. */
export function isTruthy(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === "object" && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

/** By key, as Go walks over a map. */
export function sortedEntries(value: object): [string, unknown][] {
  return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
