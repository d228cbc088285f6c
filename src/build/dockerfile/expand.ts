import { fail, LighterError } from "../../base/errors.ts";
import { removePrefix, removeSuffix, replaceMatches } from "./shell-pattern.ts";
import type { EscapeCharacter } from "./words.ts";

/** What a variable's name stands for; undefined where it is not set. */
export type Lookup = (name: string) => string | undefined;

/**
 * Expands variables and takes quotes and escapes away, as `sh` would for one word: `$x ${x} ${x:-d} ${x-d} ${x:+d}
 * ${x+d} ${x:?m} ${x?m} ${x#p} ${x##p} ${x%p} ${x%%p} ${x/p/r} ${x//p/r}` (Dockerfile reference, "Environment
 * replacement"). A variable that is not set is empty.
 * @throws invalid `failed to process "<word>": ...`
 */
export function expandWord(word: string, lookup: Lookup, escapeChar: EscapeCharacter): string {
  return expand(word, lookup, escapeChar, true).text;
}

/** As {@link expandWord}, then cut at blanks that were not quoted: one variable may hold several ports. */
export function expandWords(word: string, lookup: Lookup, escapeChar: EscapeCharacter): string[] {
  return expand(word, lookup, escapeChar, true).words;
}

/** The body of a here-document: variables and escapes count, quotes are ordinary characters. */
export function expandHeredoc(content: string, lookup: Lookup, escapeChar: EscapeCharacter): string {
  return expand(content, lookup, escapeChar, false).text;
}

interface Expanded {
  readonly text: string;
  readonly words: string[];
}

const MAX_DEPTH = 50;

function expand(source: string, lookup: Lookup, escapeChar: EscapeCharacter, quotes: boolean): Expanded {
  try {
    return new Reader(source, lookup, escapeChar, quotes).until(null, false, 0);
  } catch (error) {
    if (!(error instanceof LighterError)) throw error;
    return fail(error.kind, error.code, `failed to process ${JSON.stringify(source)}: ${error.message}`, {
      cause: error,
    });
  }
}

function problem(message: string): never {
  fail("invalid", "DOCKERFILE_EXPANSION", message);
}

/** A cursor over one word. */
class Reader {
  private at = 0;

  constructor(
    private readonly source: string,
    private readonly lookup: Lookup,
    private readonly escapeChar: EscapeCharacter,
    private readonly quotes: boolean,
  ) {}

  /** Reads to `stop`, which is taken too, or to the end. `keepEscapes`: the text is a pattern, which has escapes of its own. */
  until(stop: string | null, keepEscapes: boolean, depth: number): Expanded {
    if (depth > MAX_DEPTH) problem(`substitutions nest deeper than ${MAX_DEPTH}`);
    const result = new Result();
    while (this.at < this.source.length) {
      const character = this.next();
      if (character === stop) return result.finish();
      if (character === "$") result.add(this.dollar(depth));
      else if (character === "'" && this.quotes) result.addQuoted(this.singleQuoted());
      else if (character === '"' && this.quotes) result.addQuoted(this.doubleQuoted(keepEscapes, depth));
      else if (character === this.escapeChar) {
        if (keepEscapes) result.addQuoted(character);
        if (this.at < this.source.length) result.addQuoted(this.next());
      } else result.add(character);
    }
    if (stop !== null) problem(`unexpected end of statement while looking for matching ${stop}`);
    return result.finish();
  }

  private singleQuoted(): string {
    const end = this.source.indexOf("'", this.at);
    if (end < 0) problem("unexpected end of statement while looking for matching single-quote");
    const text = this.source.slice(this.at, end);
    this.at = end + 1;
    return text;
  }

  private doubleQuoted(keepEscapes: boolean, depth: number): string {
    let text = "";
    while (this.at < this.source.length) {
      const character = this.next();
      if (character === '"') return text;
      if (character === "$") text += this.dollar(depth);
      else if (character !== this.escapeChar) text += character;
      else {
        // Inside double quotes an escape only works on these (POSIX shell, 2.2.3) and stays before anything else.
        const escaped = this.peek();
        const works = escaped === '"' || escaped === "$" || escaped === this.escapeChar;
        if (keepEscapes || (escaped !== "" && !works)) text += character;
        if (works) text += this.next();
      }
    }
    return problem("unexpected end of statement while looking for matching double-quote");
  }

  private dollar(depth: number): string {
    if (this.peek() !== "{") {
      const name = this.name();
      return name ? (this.lookup(name) ?? "") : "$";
    }
    this.at++;
    const first = this.peek();
    if (first === "") problem("syntax error: missing '}'");
    if (first === "{" || first === "}" || first === ":") problem("syntax error: bad substitution");
    const name = this.name();
    const operator = this.operator();
    return operator === "}" ? (this.lookup(name) ?? "") : this.modified(name, operator, depth + 1);
  }

  private operator(): string {
    const character = this.next();
    return character === ":" ? character + this.next() : character;
  }

  private modified(name: string, operator: string, depth: number): string {
    const value = this.lookup(name);
    // With a colon an empty value counts as none.
    const given = operator.startsWith(":") && value === "" ? undefined : value;
    switch (operator) {
      case "-":
      case ":-": {
        const fallback = this.until("}", false, depth).text;
        return given ?? fallback;
      }
      case "+":
      case ":+": {
        const alternative = this.until("}", false, depth).text;
        return given === undefined ? "" : alternative;
      }
      case "?":
      case ":?": {
        const message = this.until("}", false, depth).text;
        const reason = value === undefined ? "is not allowed to be unset" : "is not allowed to be empty";
        return given ?? problem(`${name}: ${message || reason}`);
      }
      case "#":
      case "%": {
        const longest = this.peek() === operator;
        if (longest) this.at++;
        const pattern = this.until("}", true, depth).text;
        return (operator === "#" ? removePrefix : removeSuffix)(value ?? "", pattern, longest);
      }
      case "/": {
        const all = this.peek() === "/";
        if (all) this.at++;
        const pattern = this.until("/", true, depth).text;
        const replacement = this.until("}", true, depth).text;
        return replaceMatches(value ?? "", pattern, replacement, all);
      }
      case "":
        return problem("syntax error: missing '}'");
      default:
        return problem(`unsupported modifier (${operator}) in substitution`);
    }
  }

  /** A name, or one of the shell's special parameters, which are never set here. */
  private name(): string {
    const [name = ""] =
      /^(?:\d+|[@*#?\-$!]|[\p{L}_][\p{L}\p{Nd}_]*)/u.exec(this.source.slice(this.at, this.at + 1024)) ?? [];
    this.at += name.length;
    return name;
  }

  private peek(): string {
    const code = this.source.codePointAt(this.at);
    return code === undefined ? "" : String.fromCodePoint(code);
  }

  private next(): string {
    const character = this.peek();
    this.at += character.length;
    return character;
  }
}

/** Collects the text, and beside it the words that unquoted blanks make of it. */
class Result {
  private text = "";
  private word = "";
  private readonly words: string[] = [];

  add(piece: string): void {
    this.text += piece;
    for (const character of piece) {
      if (!/\s/.test(character)) this.word += character;
      else this.endWord();
    }
  }

  addQuoted(piece: string): void {
    this.text += piece;
    this.word += piece;
  }

  finish(): Expanded {
    this.endWord();
    return { text: this.text, words: this.words };
  }

  private endWord(): void {
    if (this.word) this.words.push(this.word);
    this.word = "";
  }
}
