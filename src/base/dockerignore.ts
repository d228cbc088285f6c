import { posix } from "node:path";
import { fail, messageOf } from "./errors.ts";

/** Tells whether `.dockerignore` keeps a path out of the build context; later patterns win over earlier ones. */
export type Ignore = (path: string) => boolean;

interface Rule {
  readonly expression: RegExp;
  readonly isException: boolean;
}

/**
 * Reads a `.dockerignore`: one pattern a line, `#` begins a comment, `!` an exception. Patterns are relative to the
 * context's root whatever they begin with, and are cleaned: `/a/../b/` means `b` (Dockerfile reference, ".dockerignore").
 */
export function parseIgnoreFile(text: string): string[] {
  const patterns: string[] = [];
  for (const line of text.replace(/^\uFEFF/, "").split("\n")) {
    const pattern = line.trim();
    if (!pattern || pattern.startsWith("#")) continue;
    const isException = pattern.startsWith("!");
    const path = (isException ? pattern.slice(1) : pattern).trim();
    const cleaned = path ? posix.normalize(path).replace(/(?<=.)\/$/, "") : "";
    const relative = cleaned.length > 1 ? cleaned.replace(/^\//, "") : cleaned;
    patterns.push(isException ? `!${relative}` : relative);
  }
  return patterns;
}

/**
 * Compiles patterns. A pattern also matches all that is below what it matches, so `node_modules` takes the whole tree.
 * `**` stands for any number of directories, `*` and `?` stay within one part of a path.
 * @throws invalid for a pattern that is no pattern, naming it.
 */
export function compileIgnore(patterns: readonly string[]): Ignore {
  const rules = patterns.filter((pattern) => pattern !== "").map(compileRule);
  return (path) => {
    let ignored = false;
    for (const { expression, isException } of rules) {
      // A rule that would not change the outcome need not be tried.
      if (isException === ignored && expression.test(path)) ignored = !isException;
    }
    return ignored;
  };
}

function compileRule(pattern: string): Rule {
  const isException = pattern.startsWith("!");
  const body = isException ? pattern.slice(1) : pattern;
  if (!body) fail("invalid", "BAD_IGNORE_PATTERN", 'illegal exclusion pattern: "!" (name what to keep: !path)');
  try {
    return { expression: new RegExp(`^${translate(body)}(?:/.*)?$`, "su"), isException };
  } catch (error) {
    return fail(
      "invalid",
      "BAD_IGNORE_PATTERN",
      `syntax error in pattern ${JSON.stringify(pattern)} of .dockerignore: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

/** The rules of moby/patternmatcher: as a shell's, and `**`. */
function translate(pattern: string): string {
  const characters = [...pattern];
  let expression = "";
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] ?? "";
    if (character === "*" && characters[at + 1] === "*") {
      while (characters[at + 1] === "*") at++;
      // `**/` may be no directory at all; `**` at the end is everything.
      if (characters[at + 1] === "/") at++;
      expression += at + 1 >= characters.length ? ".*" : "(?:.*/)?";
    } else if (character === "*") expression += "[^/]*";
    else if (character === "?") expression += "[^/]";
    else if (character === "\\") expression += quote(characters[++at] ?? "\\");
    else if (character === "[") {
      // The first character of a set is a member even if it is the closing bracket.
      const first = at + (characters[at + 1] === "^" ? 2 : 1);
      const end = characters.indexOf("]", first + 1);
      if (end < 0) throw new SyntaxError("[ without ]");
      const members = characters.slice(first, end).map((member) => (/[[\]]/.test(member) ? `\\${member}` : member));
      expression += `[${first === at + 2 ? "^" : ""}${members.join("")}]`;
      at = end;
    } else expression += quote(character);
  }
  return expression;
}

function quote(character: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character;
}
