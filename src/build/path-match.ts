import { fail } from "../base/errors.ts";

/** Whether a name has a wildcard that is not escaped: only then COPY looks for matches. */
export function hasWildcard(name: string): boolean {
  return /(?:^|[^\\])(?:\\\\)*[*?[]/.test(name);
}

type Token = { readonly kind: "star" } | { readonly kind: "one"; readonly accepts: (character: string) => boolean };

/**
 * Compiles a wildcard as COPY and ADD know it (Go's path/filepath Match): `*` and `?` stay within one part of the path,
 * `[a-z]` and `[^a-z]` are sets, a backslash takes the meaning from the next character. The whole path has to match.
 * @throws invalid for a set that does not end or is empty, or a backslash at the end.
 */
export function compilePathMatch(pattern: string): (path: string) => boolean {
  const tokens = parsePattern(pattern);
  return (path) => matches(tokens, [...path]);
}

/**
 * Only the last star is ever given more: an earlier one got as little as possible, and what follows it fits anywhere
 * later too. So the time is bounded by the product of the lengths, whatever the pattern.
 */
function matches(tokens: readonly Token[], characters: readonly string[]): boolean {
  let token = 0;
  let at = 0;
  let retry: { token: number; at: number } | null = null;
  while (at < characters.length || token < tokens.length) {
    const expected = tokens[token];
    const character = characters[at];
    if (expected?.kind === "star") {
      retry = { token: ++token, at };
    } else if (expected && character !== undefined && expected.accepts(character)) {
      token++;
      at++;
    } else if (retry && retry.at < characters.length && characters[retry.at] !== "/") {
      retry = { token: retry.token, at: retry.at + 1 };
      ({ token, at } = retry);
    } else return false;
  }
  return true;
}

function parsePattern(pattern: string): Token[] {
  const characters = [...pattern];
  const tokens: Token[] = [];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] ?? "";
    if (character === "*") tokens.push({ kind: "star" });
    else if (character === "?") tokens.push({ kind: "one", accepts: (other) => other !== "/" });
    else if (character === "[") {
      const set = readSet(pattern, characters, at + 1);
      tokens.push({ kind: "one", accepts: set.accepts });
      at = set.end;
    } else {
      const literal = character === "\\" ? (characters[++at] ?? syntaxError(pattern)) : character;
      tokens.push({ kind: "one", accepts: (other) => other === literal });
    }
  }
  return tokens;
}

function readSet(
  pattern: string,
  characters: readonly string[],
  start: number,
): { accepts: (character: string) => boolean; end: number } {
  let at = start;
  const negated = characters[at] === "^";
  if (negated) at++;
  const ranges: { readonly low: string; readonly high: string }[] = [];
  const one = (): string => {
    const character = characters[at++];
    if (character === undefined || character === "-" || character === "]") syntaxError(pattern);
    return character === "\\" ? (characters[at++] ?? syntaxError(pattern)) : character;
  };
  while (characters[at] !== "]" || !ranges.length) {
    const low = one();
    if (characters[at] === "-") {
      at++;
      ranges.push({ low, high: one() });
    } else ranges.push({ low, high: low });
  }
  const accepts = (character: string) =>
    character !== "/" && ranges.some(({ low, high }) => low <= character && character <= high) !== negated;
  return { accepts, end: at };
}

function syntaxError(pattern: string): never {
  fail("invalid", "BAD_PATTERN", `syntax error in pattern ${JSON.stringify(pattern)}`);
}
