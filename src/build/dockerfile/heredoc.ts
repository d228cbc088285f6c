import { type EscapeCharacter, splitWords } from "./words.ts";

/** A here-document's opening as it stands in the line: `<<EOF`, `<<-EOF`, `3<<'EOF'`. */
export interface HeredocMark {
  /** The word that ends it; also the file's name in COPY. */
  readonly name: string;
  /** `<<-`: tabs at the beginning of each line are dropped. */
  readonly stripTabs: boolean;
  /** Unquoted: variables in it are expanded, by the builder in COPY and ADD, by the shell in RUN. */
  readonly expand: boolean;
}

export interface Heredoc extends HeredocMark {
  /** As written, each line with its newline, without the ending word. */
  readonly content: string;
}

const MARK = /^(\d*)<<(-?)([^<]+)$/;
const QUOTES = /["']/g;

/** The mark that a single word is, or null: `<<<word` and `1<<2` inside an expression are none. */
export function parseHeredocMark(word: string): HeredocMark | null {
  const [, , dash, rest = ""] = MARK.exec(word) ?? [];
  const name = rest.replace(QUOTES, "");
  if (!name) return null;
  return { name, stripTabs: dash === "-", expand: name === rest };
}

/** All marks in a statement's arguments, in order. */
export function findHeredocMarks(args: string, escapeChar: EscapeCharacter): HeredocMark[] {
  return splitWords(args, escapeChar).flatMap((word) => parseHeredocMark(word) ?? []);
}

/** The content as the shell would give it to a command. */
export function heredocText(heredoc: Heredoc): string {
  return heredoc.stripTabs ? heredoc.content.replace(/^\t+/gm, "") : heredoc.content;
}
