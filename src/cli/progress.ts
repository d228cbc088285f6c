import { STDERR, STDOUT, write } from "./output.ts";

/** One line of the engine's progress: pull, push, load, import, build. */
export interface ProgressDocument {
  readonly stream?: string;
  readonly id?: string;
  readonly status?: string;
  readonly progress?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number } | null;
  readonly error?: string;
  readonly errorDetail?: { readonly message?: string; readonly code?: number } | null;
  readonly aux?: { readonly ID?: string } | null;
}

/** A failure that the engine reported in the middle of a stream, with the exit code of the build step if it has one. */
export class ProgressError extends Error {
  constructor(
    message: string,
    readonly exitCode: number | undefined,
  ) {
    super(message);
  }
}

/**
 * Shows progress line by line; in a terminal a layer's line is drawn over with its newest state.
 * Returns the ID that the stream told, if it told one.
 * @throws ProgressError for an error inside the stream
 */
export async function showProgress(
  documents: AsyncIterable<ProgressDocument>,
  { quiet, to }: { readonly quiet: boolean; readonly to: "stdout" | "stderr" },
): Promise<string | undefined> {
  const descriptor = to === "stdout" ? STDOUT : STDERR;
  const terminal = !quiet && (await import("./streams/terminal.ts")).isTerminal(descriptor);
  const show = terminal ? drawnOver() : lineByLine();
  let id: string | undefined;
  for await (const document of documents) {
    if (document.errorDetail || document.error) {
      const message = document.errorDetail?.message ?? document.error ?? "";
      throw new ProgressError(message, document.errorDetail?.code);
    }
    // A quiet build says nothing but the ID, as text.
    id = document.aux?.ID ?? (quiet ? document.stream?.trim() : undefined) ?? id;
    if (!quiet) await write(descriptor, show(document));
  }
  return id;
}

/** For a file or a pipe: every state of a layer but the bars, which are of no use there. */
export function lineByLine(): (document: ProgressDocument) => string {
  return ({ stream, id, status, progressDetail }) => {
    if (stream !== undefined) return stream;
    if (status === undefined || progressDetail?.current !== undefined) return "";
    return id ? `${id}: ${status}\n` : `${status}\n`;
  };
}

/** For a terminal: one line for each layer, moved to with the cursor. */
export function drawnOver(): (document: ProgressDocument) => string {
  const lineOf = new Map<string, number>();
  return ({ stream, id, status, progress }) => {
    if (stream !== undefined) return stream;
    if (status === undefined) return "";
    const text = [id ? `${id}: ${status}` : status, progress].filter(Boolean).join(" ");
    if (!id) {
      lineOf.clear();
      return `${text}\n`;
    }
    const known = lineOf.get(id);
    if (known === undefined) {
      lineOf.set(id, lineOf.size);
      return `${text}\n`;
    }
    const up = lineOf.size - known;
    return `\x1b[${up}A\x1b[2K\r${text}\x1b[${up}B\r`;
  };
}
