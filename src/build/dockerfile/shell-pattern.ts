import { fail } from "../../base/errors.ts";

/** `*` any text, `?` any one character, everything else itself (`\*` `\?` `\\` too); no bracket expressions. */
type Token =
  | { readonly kind: "any-text" }
  | { readonly kind: "any-one" }
  | { readonly kind: "literal"; readonly text: string };

/** Long values against many stars take long, and the engine's loop must not stand still for a Dockerfile. */
const MAX_VALUE = 8192;

/** `${value#pattern}`: the value without its shortest (or longest) beginning that matches. */
export function removePrefix(value: string, pattern: string, longest: boolean): string {
  const characters = checked(value);
  const lengths = matchLengths(parsePattern(pattern), characters, 0);
  const length = longest ? lengths.at(-1) : lengths[0];
  return length === undefined ? value : characters.slice(length).join("");
}

/** `${value%pattern}`: the value without its shortest (or longest) end that matches. */
export function removeSuffix(value: string, pattern: string, longest: boolean): string {
  const characters = checked(value).reverse();
  const lengths = matchLengths(parsePattern(pattern).reverse(), characters, 0);
  const length = longest ? lengths.at(-1) : lengths[0];
  return length === undefined ? value : characters.slice(length).reverse().join("");
}

/** `${value/pattern/replacement}`: the first (or every) longest match replaced. */
export function replaceMatches(value: string, pattern: string, replacement: string, all: boolean): string {
  const characters = checked(value);
  const tokens = parsePattern(pattern);
  let result = "";
  let at = 0;
  let replaced = false;
  while (at <= characters.length) {
    const length = all || !replaced ? matchLengths(tokens, characters, at).at(-1) : undefined;
    if (length !== undefined) {
      result += replacement;
      replaced = true;
    }
    if (!length) {
      result += characters[at] ?? "";
      at++;
    } else {
      at += length;
      // The empty rest behind a match is not matched again.
      if (at === characters.length) break;
    }
  }
  return result;
}

function checked(value: string): string[] {
  if (value.length > MAX_VALUE) {
    fail(
      "invalid",
      "DOCKERFILE_EXPANSION",
      `the value is ${value.length} characters long: a pattern takes ${MAX_VALUE}`,
    );
  }
  return [...value];
}

function parsePattern(pattern: string): Token[] {
  const tokens: Token[] = [];
  const characters = [...pattern];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] ?? "";
    if (character === "*") tokens.push({ kind: "any-text" });
    else if (character === "?") tokens.push({ kind: "any-one" });
    else if (character !== "\\") tokens.push({ kind: "literal", text: character });
    else {
      const escaped = characters[++at] ?? "";
      if (!escaped || !"*?\\/}".includes(escaped)) {
        fail(
          "invalid",
          "DOCKERFILE_EXPANSION",
          `invalid pattern (${pattern}) in substitution: invalid escape '\\${escaped}'`,
        );
      }
      tokens.push({ kind: "literal", text: escaped });
    }
  }
  return tokens;
}

/** All lengths, ascending, that the tokens can match from `start`: every state of the pattern advances at once. */
function matchLengths(tokens: readonly Token[], characters: readonly string[], start: number): number[] {
  const lengths: number[] = [];
  let states = withSkips(tokens, [0]);
  for (let at = start; ; at++) {
    if (states.has(tokens.length)) lengths.push(at - start);
    const character = characters[at];
    if (character === undefined || !states.size) return lengths;
    const next: number[] = [];
    for (const state of states) {
      const token = tokens[state];
      if (token?.kind === "any-text") next.push(state);
      else if (token?.kind === "any-one" || (token?.kind === "literal" && token.text === character))
        next.push(state + 1);
    }
    states = withSkips(tokens, next);
  }
}

/** A star may also match nothing. */
function withSkips(tokens: readonly Token[], states: readonly number[]): Set<number> {
  const all = new Set<number>();
  for (let state of states) {
    all.add(state);
    while (tokens[state]?.kind === "any-text") all.add(++state);
  }
  return all;
}
