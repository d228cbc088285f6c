import { goJson } from "../go-json.ts";
import { formatGoValue, isTruthy } from "./go-value.ts";

export type TemplateFunction = (...values: readonly unknown[]) => unknown;

/** text/template's own functions and those that Docker's CLI adds. `and` and `or` are evaluated lazily elsewhere. */
export const templateFunctions: Readonly<Record<string, TemplateFunction>> = {
  not: (value) => !isTruthy(value),
  eq: (first, ...others) => others.some((other) => first === other),
  ne: (a, b) => a !== b,
  lt: (a, b) => compare("lt", a, b) < 0,
  le: (a, b) => compare("le", a, b) <= 0,
  gt: (a, b) => compare("gt", a, b) > 0,
  ge: (a, b) => compare("ge", a, b) >= 0,
  len: length,
  index: (collection, ...keys) => keys.reduce(indexOnce, collection),
  slice: (collection, from = 0, to = undefined) =>
    slice(collection, Number(from), to === undefined ? undefined : Number(to)),
  print: (...values) => spaceBetweenNonStrings(values),
  println: (...values) => `${values.map(formatGoValue).join(" ")}\n`,
  printf: (format, ...values) => printf(String(format), values),
  html: (...values) => escapeHtml(spaceBetweenNonStrings(values)),
  urlquery: (...values) => encodeURIComponent(spaceBetweenNonStrings(values)).replaceAll("%20", "+"),
  json: goJson,
  split: (text, separator) => String(text).split(String(separator)),
  join: (list, separator) =>
    Array.isArray(list) ? list.map(formatGoValue).join(String(separator)) : mismatch("join", list),
  lower: (text) => String(text).toLowerCase(),
  upper: (text) => String(text).toUpperCase(),
  title: (text) => String(text).replace(/(^|\s)\p{L}/gu, (letter) => letter.toUpperCase()),
  pad: (text, before, after) =>
    text === "" ? "" : " ".repeat(Number(before)) + String(text) + " ".repeat(Number(after)),
  truncate: (text, length) => [...String(text)].slice(0, Number(length)).join(""),
};

function compare(name: string, a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : a > b ? 1 : 0;
  throw new Error(`error calling ${name}: incompatible types for comparison`);
}

function length(value: unknown): number {
  if (typeof value === "string") return new TextEncoder().encode(value).length;
  if (Array.isArray(value)) return value.length;
  if (typeof value === "object" && value !== null) return Object.keys(value).length;
  throw new Error("error calling len: len of nil pointer");
}

function indexOnce(collection: unknown, key: unknown): unknown {
  if (Array.isArray(collection)) {
    const at = Number(key);
    if (at in collection) return collection[at];
    throw new Error(`error calling index: error calling index: index out of range: ${formatGoValue(key)}`);
  }
  if (typeof collection === "object" && collection !== null) {
    return Object.entries(collection).find(([name]) => name === String(key))?.[1];
  }
  throw new Error("error calling index: index of untyped nil");
}

function slice(collection: unknown, from: number, to: number | undefined): unknown {
  if (typeof collection === "string" || Array.isArray(collection)) return collection.slice(from, to);
  return mismatch("slice", collection);
}

/** Go's fmt.Sprint. */
function spaceBetweenNonStrings(values: readonly unknown[]): string {
  return values
    .map((value, index) => {
      const before = values[index - 1];
      const blank = index > 0 && typeof before !== "string" && typeof value !== "string" ? " " : "";
      return blank + formatGoValue(value);
    })
    .join("");
}

/** The verbs that templates use: `%s %v %d %q %t %x %f` with flags, width and precision. */
function printf(format: string, values: readonly unknown[]): string {
  let next = 0;
  return format.replace(/%([-+0 ]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])/g, (_all, flags: string, width, precision, verb) => {
    if (verb === "%") return "%";
    if (next >= values.length) return `%!${verb}(MISSING)`;
    const text = formatVerb(verb, values[next++], precision === undefined ? undefined : Number(precision));
    const size = Number(width ?? 0);
    if (flags.includes("-")) return text.padEnd(size);
    return text.padStart(size, flags.includes("0") && verb !== "s" ? "0" : " ");
  });
}

function formatVerb(verb: string, value: unknown, precision: number | undefined): string {
  if (verb === "q") return JSON.stringify(String(value));
  if (verb === "f") return Number(value).toFixed(precision ?? 6);
  if (verb === "x") return typeof value === "number" ? value.toString(16) : Buffer.from(String(value)).toString("hex");
  const text = formatGoValue(value);
  return verb === "s" && precision !== undefined ? [...text].slice(0, precision).join("") : text;
}

function escapeHtml(text: string): string {
  const names: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&#34;",
    "'": "&#39;",
  };
  return text.replace(/[&<>"']/g, (char) => names[char] ?? char);
}

function mismatch(name: string, value: unknown): never {
  throw new Error(`error calling ${name}: wrong type for value: ${formatGoValue(value)}`);
}
