import { fail } from "../../base/errors.ts";

/** The character that escapes the next one and, at a line's end, joins lines: chosen by the `escape` directive. */
export type EscapeCharacter = "\\" | "`";

const SPACE = /\s/;

/**
 * Cuts a statement at blanks that are neither quoted nor escaped. Quotes and escapes stay in the words: they mean
 * something to variable expansion, which comes later and takes them away.
 */
export function splitWords(text: string, escapeChar: EscapeCharacter): string[] {
  const words: string[] = [];
  let word = "";
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === escapeChar && quote !== "'") {
      // An escape with nothing behind it is dropped.
      if (at + 1 < text.length) word += character + text.charAt(++at);
    } else if (quote) {
      word += character;
      if (character === quote) quote = "";
    } else if (SPACE.test(character)) {
      if (word) words.push(word);
      word = "";
    } else {
      word += character;
      if (character === "'" || character === '"') quote = character;
    }
  }
  if (word) words.push(word);
  return words;
}

/** Cuts at every run of blanks, whatever stands around it: sources, ports, volumes, FROM. */
export function splitBlanks(text: string): string[] {
  const trimmed = text.trim();
  return trimmed ? trimmed.split(/[\t\v\f\r ]+/) : [];
}

export interface KeyValue {
  readonly key: string;
  readonly value: string;
}

/**
 * `name=value name2="a b"`, or the old form `name the whole rest`, which is meant where the first word has no `=`.
 * @throws invalid where a later word has no `=` or the old form has no value.
 */
export function splitKeyValues(text: string, escapeChar: EscapeCharacter, instruction: string): KeyValue[] {
  const words = splitWords(text, escapeChar);
  const [first] = words;
  if (first === undefined) return [];
  if (!first.includes("=")) {
    const [, key = "", value] = /^(\S+)(?:[\t\v\f\r ]+(.*))?$/s.exec(text) ?? [];
    if (value === undefined) fail("invalid", "DOCKERFILE_SYNTAX", `${instruction} must have two arguments`);
    return [{ key, value }];
  }
  return words.map((word) => {
    const equals = word.indexOf("=");
    if (equals < 0) {
      fail(
        "invalid",
        "DOCKERFILE_SYNTAX",
        `Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`,
      );
    }
    return { key: word.slice(0, equals), value: word.slice(equals + 1) };
  });
}

/**
 * The exec form: a JSON array of strings. `null` where the text is something else, which then is a shell form: a broken
 * array is no error but a command that begins with `[`.
 * @throws invalid where it is an array of other things than strings.
 */
export function parseJsonForm(text: string): string[] | null {
  if (!text.trimStart().startsWith("[")) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!Array.isArray(value)) return null;
  return value.map((item: unknown) =>
    typeof item === "string"
      ? item
      : fail("invalid", "DOCKERFILE_SYNTAX", "when using JSON array syntax, arrays must be comprised of strings only"),
  );
}
