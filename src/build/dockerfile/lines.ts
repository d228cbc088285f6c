import { fail } from "../../base/errors.ts";
import { findHeredocMarks, type Heredoc } from "./heredoc.ts";
import { type EscapeCharacter, parseJsonForm } from "./words.ts";

/** Parser directives: comments of the form `# name=value` before anything else in the file. */
export interface Directives {
  readonly escape: EscapeCharacter;
  /** The frontend image that BuildKit would fetch; noted, never fetched. */
  readonly syntax: string | null;
  readonly check: string | null;
}

/** A statement with its continuation lines joined. Lines count from 1. */
export interface Statement {
  readonly text: string;
  readonly firstLine: number;
  readonly lastLine: number;
  readonly heredocs: readonly Heredoc[];
  /** Empty lines among the continuation lines: allowed until a future release, says Docker since 2017. */
  readonly hasEmptyContinuation: boolean;
}

export interface Statements {
  readonly directives: Directives;
  readonly statements: readonly Statement[];
}

const DIRECTIVE = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/;
const COMMENT = /^\s*#/;
const TAKES_HEREDOC = /^(?:onbuild\s+)*(?:run|copy|add)\s+(?:--\S+\s+)*(.*)$/is;

/**
 * Cuts a Dockerfile into statements: byte-order mark, directives, comments (between continuation lines too),
 * continuations and here-documents.
 * @throws invalid `DOCKERFILE_SYNTAX`, with the line's number in the text where the statement is not the culprit.
 */
export function readStatements(source: string): Statements {
  const lines = source.replace(/^\uFEFF/, "").split(/\r?\n/);
  const { directives, count } = readDirectives(lines);
  const joins = directives.escape === "\\" ? /\\[ \t]*$/ : /`[ \t]*$/;
  const statements: Statement[] = [];

  let next = count;
  while (next < lines.length) {
    const firstLine = next + 1;
    let line = (lines[next++] ?? "").trimStart();
    if (!line || COMMENT.test(line)) continue;

    let hasEmptyContinuation = false;
    let text = line.replace(joins, "");
    while (joins.test(line) && next < lines.length) {
      const continuation = lines[next++] ?? "";
      if (COMMENT.test(continuation)) continue;
      if (!continuation.trim()) {
        // What follows the last newline of the file is no line.
        if (next < lines.length) hasEmptyContinuation = true;
        continue;
      }
      line = continuation;
      text += line.replace(joins, "");
    }
    if (!text.trim()) continue;

    const heredocs: Heredoc[] = [];
    for (const mark of heredocMarks(text, directives.escape)) {
      const content: string[] = [];
      for (;;) {
        const body = lines[next++];
        if (body === undefined) {
          fail(
            "invalid",
            "DOCKERFILE_SYNTAX",
            `dockerfile parse error on line ${firstLine}: unterminated heredoc: no line with only ${JSON.stringify(mark.name)} follows (${text.trim()})`,
          );
        }
        if ((mark.stripTabs ? body.replace(/^\t+/, "") : body) === mark.name) break;
        content.push(`${body}\n`);
      }
      heredocs.push({ ...mark, content: content.join("") });
    }
    statements.push({ text: text.trimEnd(), firstLine, lastLine: next, heredocs, hasEmptyContinuation });
  }
  return { directives, statements };
}

function readDirectives(lines: readonly string[]): { directives: Directives; count: number } {
  const found = new Map<string, string>();
  let count = 0;
  for (const line of lines) {
    const [, name = "", value = ""] = DIRECTIVE.exec(line.trimStart()) ?? [];
    const key = name.toLowerCase();
    if (key !== "escape" && key !== "syntax" && key !== "check") break;
    count++;
    if (found.has(key)) {
      fail(
        "invalid",
        "DOCKERFILE_SYNTAX",
        `dockerfile parse error on line ${count}: only one ${key} parser directive can be used`,
      );
    }
    found.set(key, value);
  }
  const escapeChar = found.get("escape") ?? "\\";
  if (escapeChar !== "\\" && escapeChar !== "`") {
    fail(
      "invalid",
      "DOCKERFILE_SYNTAX",
      `dockerfile parse error on line ${count}: invalid escape token '${escapeChar}' does not match \` or \\`,
    );
  }
  return {
    directives: { escape: escapeChar, syntax: found.get("syntax") ?? null, check: found.get("check") ?? null },
    count,
  };
}

function heredocMarks(text: string, escapeChar: EscapeCharacter) {
  const [, args] = TAKES_HEREDOC.exec(text) ?? [];
  if (args === undefined || !args.includes("<<")) return [];
  // An exec form holds its text itself. An array of other things is reported where the instruction is parsed.
  if (/^\s*\[/.test(args) && isJsonArray(args)) return [];
  return findHeredocMarks(args, escapeChar);
}

function isJsonArray(args: string): boolean {
  try {
    return parseJsonForm(args) !== null;
  } catch {
    return true;
  }
}
