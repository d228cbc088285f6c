import { parseByteSize } from "./byte-size.ts";
import { parseDuration } from "./duration.ts";

/** One flag of a command: how it is written, what it means, and how its text becomes a value. */
export interface Option<T> {
  /** One letter. */
  readonly short?: string;
  /** Other long names for the same flag. */
  readonly aliases?: readonly string[];
  readonly help: string;
  /** What `--help` calls the value; empty for a flag that takes none. */
  readonly placeholder: string;
  /** Shown in `--help`, where it is not obvious. */
  readonly shownDefault?: string;
  /** Its value when it is not given. */
  readonly initial: T;
  /** The value after one more occurrence. Throws an Error whose message says what is wrong with the text. */
  add(text: string, previous: T): T;
}

export type Options = Readonly<Record<string, Option<unknown>>>;

/** The values of a table of options, by long name. */
export type Values<O extends Options> = { readonly [Name in keyof O]: O[Name] extends Option<infer T> ? T : never };

/** What may be said of any option beside its help. */
interface Spelling {
  readonly short?: string;
  readonly aliases?: readonly string[];
  readonly placeholder?: string;
  readonly shownDefault?: string;
}

/** `--name`, `--name=false`. */
export function flag(help: string, spelling: Spelling & { readonly initial?: boolean } = {}): Option<boolean> {
  const { initial = false, ...rest } = spelling;
  const shownDefault = initial ? "true" : undefined;
  return { help, placeholder: "", shownDefault, ...rest, initial, add: parseBoolean };
}

/** A flag for which "not given" differs from "false". */
export function optionalFlag(help: string, spelling: Spelling = {}): Option<boolean | undefined> {
  return { help, placeholder: "", ...spelling, initial: undefined, add: parseBoolean };
}

/** The last occurrence wins. */
export function text(help: string, spelling?: Spelling): Option<string | undefined> {
  return value("string", (word) => word, help, spelling);
}

export function integer(help: string, spelling?: Spelling): Option<number | undefined> {
  return value("int", parseInteger, help, spelling);
}

/** Bytes, written as `512m`. */
export function bytes(help: string, spelling?: Spelling): Option<number | undefined> {
  return value("bytes", parseByteSize, help, spelling);
}

/** Nanoseconds, written as `1m30s`. */
export function duration(help: string, spelling?: Spelling): Option<number | undefined> {
  return value("duration", parseDuration, help, spelling);
}

/** Any type of value, of which the last occurrence wins. */
export function value<T>(
  placeholder: string,
  parse: (text: string) => T,
  help: string,
  spelling: Spelling = {},
): Option<T | undefined> {
  return { help, placeholder, ...spelling, initial: undefined, add: (word) => parse(word) };
}

/** May be given many times. */
export function list(help: string, spelling?: Spelling): Option<readonly string[]>;
export function list<T>(help: string, spelling: Spelling, parse: (text: string) => T): Option<readonly T[]>;
export function list<T>(
  help: string,
  spelling: Spelling = {},
  parse?: (text: string) => T,
): Option<readonly (T | string)[]> {
  return {
    help,
    placeholder: "list",
    ...spelling,
    initial: [],
    add: (word, previous) => [...previous, parse ? parse(word) : word],
  };
}

/** `key=value`, many times; `key` alone means an empty value. */
export function map(
  help: string,
  spelling: Spelling = {},
  check: (text: string) => void = () => {},
): Option<Readonly<Record<string, string>>> {
  const add = (word: string, previous: Readonly<Record<string, string>>) => {
    check(word);
    const [key, ...rest] = word.split("=");
    return { ...previous, [key ?? ""]: rest.join("=") };
  };
  return { help, placeholder: "map", ...spelling, initial: {}, add };
}

/** Go's strconv.ParseBool, which scripts rely on. */
function parseBoolean(word: string): boolean {
  if (["1", "t", "T", "true", "TRUE", "True"].includes(word)) return true;
  if (["0", "f", "F", "false", "FALSE", "False"].includes(word)) return false;
  throw new Error(`strconv.ParseBool: parsing "${word}": invalid syntax`);
}

export function parseInteger(word: string): number {
  if (!/^[+-]?\d+$/.test(word)) throw new Error(`strconv.ParseInt: parsing "${word}": invalid syntax`);
  const number = Number(word);
  if (!Number.isSafeInteger(number)) throw new Error(`strconv.ParseInt: parsing "${word}": value out of range`);
  return number;
}
