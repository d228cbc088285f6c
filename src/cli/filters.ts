import { list, type Option } from "./option.ts";

/** `--filter key=value`, many times. */
export function filterOption(short: { readonly short?: string } = { short: "f" }): Option<readonly string[]> {
  const parse = (text: string): string => {
    if (!text.includes("=")) throw new Error("bad format of filter (expected name=value)");
    return text;
  };
  const help = "Filter output based on conditions provided";
  return list(help, { ...short, placeholder: "filter" }, parse);
}

/** The API's `filters` parameter: `{"name":["a","b"]}`; undefined for none. */
export function encodeFilters(filters: readonly string[]): string | undefined {
  if (filters.length === 0) return undefined;
  const collected: Record<string, string[]> = {};
  for (const filter of filters) {
    const [name = "", ...rest] = filter.split("=");
    const key = name.trim().toLowerCase();
    const values = Object.hasOwn(collected, key) ? (collected[key] ?? []) : [];
    collected[key] = [...values, rest.join("=").trim()];
  }
  return JSON.stringify(collected);
}
