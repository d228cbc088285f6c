import { fail } from "../../base/errors.ts";
import { suggest } from "./suggest.ts";

/** What an instruction accepts before its arguments, and whether a flag takes a text, many texts or is a switch. */
export type FlagKinds = Readonly<Record<string, "text" | "list" | "switch">>;

export interface Flags {
  text(name: string): string | null;
  list(name: string): readonly string[];
  isOn(name: string): boolean;
}

/** Cuts the leading `--name=value` words off; quotes around a value are taken away. `--` alone ends them. */
export function splitFlags(args: string): { words: string[]; rest: string } {
  const words: string[] = [];
  let rest = args.trimStart();
  while (rest.startsWith("--")) {
    const { word, length } = readWord(rest);
    rest = rest.slice(length).trimStart();
    if (word === "--") break;
    words.push(word);
  }
  return { words, rest };
}

/** @throws invalid for a flag that the instruction does not know, that is given twice or has no value. */
export function parseFlags(words: readonly string[], kinds: FlagKinds): Flags {
  const values = new Map<string, string[]>();
  for (const word of words) {
    const equals = word.indexOf("=");
    const name = word.slice(2, equals < 0 ? undefined : equals);
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (kind === undefined) {
      fail("invalid", "DOCKERFILE_FLAG", `unknown flag: --${name}${suggest(name, Object.keys(kinds), "--")}`);
    }
    const value = equals < 0 ? null : word.slice(equals + 1);
    const earlier = values.get(name);
    if (earlier && kind !== "list") fail("invalid", "DOCKERFILE_FLAG", `duplicate flag specified: --${name}`);
    values.set(name, [...(earlier ?? []), flagValue(name, kind, value)]);
  }
  return {
    text: (name) => values.get(name)?.[0] ?? null,
    list: (name) => values.get(name) ?? [],
    isOn: (name) => values.get(name)?.[0] === "true",
  };
}

function flagValue(name: string, kind: "text" | "list" | "switch", value: string | null): string {
  if (kind !== "switch") return value ?? fail("invalid", "DOCKERFILE_FLAG", `missing a value on flag: --${name}`);
  const lower = value?.toLowerCase() ?? "true";
  if (lower !== "true" && lower !== "false") {
    fail("invalid", "DOCKERFILE_FLAG", `expecting boolean value for flag --${name}, not: ${value}`);
  }
  return lower;
}

function readWord(text: string): { word: string; length: number } {
  let word = "";
  let quote = "";
  let at = 0;
  for (; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === "\\" && at + 1 < text.length && quote !== "'") word += text.charAt(++at);
    else if (character === quote) quote = "";
    else if (!quote && (character === '"' || character === "'")) quote = character;
    else if (!quote && /\s/.test(character)) break;
    else word += character;
  }
  return { word, length: at };
}
