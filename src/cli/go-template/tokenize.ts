/** A piece of a template: text between actions, or one of the words inside an action. */
export type Token =
  | { readonly kind: "literal"; readonly value: unknown; readonly text: string; readonly line: number }
  /** `joined`: no blank before it, so that it belongs to what precedes. */
  | { readonly kind: "field"; readonly joined: boolean; readonly text: string; readonly line: number }
  | {
      readonly kind:
        | "text"
        | "open"
        | "close"
        | "word"
        | "dot"
        | "variable"
        | "pipe"
        | "left"
        | "right"
        | "comma"
        | "declare"
        | "assign"
        | "end";
      readonly text: string;
      readonly line: number;
    };

const NUMBER = /[+-]?(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)/y;
const NAME = /[\p{L}_][\p{L}\p{N}_]*/uy;
const SYMBOLS: readonly (readonly [string, "pipe" | "left" | "right" | "comma" | "declare" | "assign"])[] = [
  [":=", "declare"],
  ["=", "assign"],
  ["|", "pipe"],
  ["(", "left"],
  [")", "right"],
  [",", "comma"],
];

/** Cuts a template into tokens; `{{-` and `-}}` have eaten the blanks beside them, comments are gone. */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < source.length) {
    const open = source.indexOf("{{", at);
    const trimBefore = open >= 0 && /^\{\{-\s/.test(source.slice(open, open + 4));
    const text = source.slice(at, open < 0 ? source.length : open);
    const shown = trimBefore ? text.trimEnd() : text;
    if (shown !== "") tokens.push({ kind: "text", text: shown, line: lineAt(source, at) });
    if (open < 0) break;
    const start = open + (trimBefore ? 3 : 2);
    const comment = /^\s*\/\*.*?\*\/\s*?( -)?\}\}/s.exec(source.slice(start));
    const end = comment ? start + comment[0].length : tokenizeAction(source, start, tokens);
    const trimAfter = source.slice(end - 4, end) === " -}}" || (comment?.[1] ?? "") !== "";
    at = trimAfter ? end + (source.slice(end).length - source.slice(end).trimStart().length) : end;
  }
  return tokens;
}

/** Returns where the text behind `}}` begins. */
function tokenizeAction(source: string, start: number, tokens: Token[]): number {
  const line = lineAt(source, start);
  tokens.push({ kind: "open", text: "{{", line });
  let at = start;
  let joined = false;
  for (;;) {
    const blanks = /^\s*/.exec(source.slice(at))?.[0].length ?? 0;
    if (blanks > 0) joined = false;
    at += blanks;
    const closing = /^(?:-)?\}\}/.exec(source.slice(at));
    if (closing) {
      tokens.push({ kind: "close", text: "}}", line });
      return at + closing[0].length;
    }
    const token = readToken(source, at, joined, line);
    tokens.push(token.token);
    at = token.end;
    joined = true;
  }
}

function readToken(source: string, at: number, joined: boolean, line: number): { token: Token; end: number } {
  const char = source.charAt(at);
  if (char === "") throw new Error(`template: :${line}: unclosed action`);
  if (char === '"' || char === "`") return readString(source, at, char, line);
  if (char === ".") {
    const name = match(NAME, source, at + 1);
    if (name) return { token: { kind: "field", joined, text: name, line }, end: at + 1 + name.length };
    return { token: { kind: "dot", text: ".", line }, end: at + 1 };
  }
  if (char === "$") {
    const name = match(NAME, source, at + 1) ?? "";
    return { token: { kind: "variable", text: name, line }, end: at + 1 + name.length };
  }
  const symbol = SYMBOLS.find(([text]) => source.startsWith(text, at));
  if (symbol) return { token: { kind: symbol[1], text: symbol[0], line }, end: at + symbol[0].length };
  const number = match(NUMBER, source, at);
  if (number) return { token: { kind: "literal", value: Number(number), text: number, line }, end: at + number.length };
  const word = match(NAME, source, at);
  if (word === undefined) throw new Error(`template: :${line}: unexpected ${JSON.stringify(char)} in command`);
  const constants = new Map<string, unknown>([
    ["true", true],
    ["false", false],
    ["nil", null],
  ]);
  const token: Token = constants.has(word)
    ? { kind: "literal", value: constants.get(word), text: word, line }
    : { kind: "word", text: word, line };
  return { token, end: at + word.length };
}

function readString(source: string, at: number, quote: string, line: number): { token: Token; end: number } {
  const pattern = quote === "`" ? /`[^`]*`/y : /"(?:[^"\\\n]|\\.)*"/y;
  const text = match(pattern, source, at);
  if (text === undefined) throw new Error(`template: :${line}: unterminated quoted string`);
  const value = quote === "`" ? text.slice(1, -1) : unquote(text, line);
  return { token: { kind: "literal", value, text, line }, end: at + text.length };
}

/** Go's escapes that JSON has too; Go's others (`\a`, `\x41`) are rare in templates on a command line. */
function unquote(text: string, line: number): string {
  try {
    return String(JSON.parse(text));
  } catch {
    throw new Error(`template: :${line}: invalid syntax in string ${text}`);
  }
}

function match(pattern: RegExp, source: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(source)?.[0];
}

function lineAt(source: string, at: number): number {
  return source.slice(0, at).split("\n").length;
}
