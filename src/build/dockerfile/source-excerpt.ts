import { fail, LighterError } from "../../base/errors.ts";

/** A Dockerfile's text, for messages that point into it. */
export interface DockerfileSource {
  readonly name: string;
  readonly text: string;
}

/** Lines count from 1. */
export interface LineRange {
  readonly firstLine: number;
  readonly lastLine: number;
}

/** Runs what may find fault with a statement; the failure then says file and line and shows the place with a caret. */
export function located<T>(source: DockerfileSource, place: LineRange, work: () => T): T {
  try {
    return work();
  } catch (error) {
    return pointed(source, place, error);
  }
}

/** As {@link located}, for work that takes time. */
export async function locatedAsync<T>(source: DockerfileSource, place: LineRange, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    return pointed(source, place, error);
  }
}

function pointed(source: DockerfileSource, { firstLine, lastLine }: LineRange, error: unknown): never {
  if (!(error instanceof LighterError) || error.kind === "cancelled" || isLocated(error)) throw error;
  const place = { file: source.name, firstLine, lastLine };
  return fail(error.kind, error.code, `${error.message}\n${excerptOf(source, place, error.message)}`, {
    cause: { place, message: error.message },
  });
}

/** A failure that already says where it belongs. */
export function isLocated({ cause }: LighterError): boolean {
  return typeof cause === "object" && cause !== null && "place" in cause;
}

/**
 * The lines of a statement as they stand in the file, and a caret below what the message is about:
 * the longest word of the statement that the message names, else the instruction.
 */
export function excerptOf(
  { name, text }: DockerfileSource,
  { firstLine, lastLine }: LineRange,
  message: string,
): string {
  const all = text.split(/\r?\n/);
  const lines = all.slice(firstLine - 1, Math.min(lastLine, firstLine + MAX_LINES - 1));
  const word = culprit(lines, message);
  const width = String(lastLine).length + 1;
  const shown = lines.flatMap((line, at) => {
    const column = line.indexOf(word);
    const numbered = `${String(firstLine + at).padStart(width)} | ${line}`;
    const isHere = at === lines.findIndex((candidate) => candidate.includes(word));
    return isHere ? [numbered, `${" ".repeat(width)} | ${" ".repeat(column)}${"^".repeat(word.length)}`] : [numbered];
  });
  return [`${name}:${firstLine}`, ...shown].join("\n");
}

/** A statement may be a here-document of any length. */
const MAX_LINES = 8;

function culprit(lines: readonly string[], message: string): string {
  const [first = "", ...rest] = lines.flatMap((line) => line.split(/[\s=,]+/)).filter(Boolean);
  const named = rest.filter((word) => word.length > 1 && message.includes(word));
  return named.reduce((longest, word) => (word.length > longest.length ? word : longest), "") || first;
}
