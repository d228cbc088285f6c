import { open } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { createDemultiplexer } from "../../base/demultiplex.ts";
import { LighterError } from "../../base/errors.ts";
import type { Api } from "../api.ts";
import type { SolveStatusDocument } from "./status-documents.ts";
import { type WalkOptions, walkDirectory } from "./walk-directory.ts";

/** A directory to build from. */
export interface SentDirectory extends WalkOptions {
  /** Its name in the build: `context`, or that of a named context. */
  readonly name: string;
  /** Absolute. */
  readonly path: string;
}

export interface BuildRun {
  /** Options in the engine's words: src/build/door/build-order.ts. */
  readonly order: object;
  readonly directories: readonly SentDirectory[];
  /** The context as an archive instead. */
  readonly archive?: AsyncIterable<Uint8Array>;
  readonly onStatus: (status: SolveStatusDocument) => void | Promise<void>;
  /** The bytes of an output that is an archive. */
  readonly onOutput: (bytes: Uint8Array) => void | Promise<void>;
}

export interface BuildOutcome {
  readonly imageId: string | null;
  readonly tags: readonly string[];
}

/** A build that failed; exitCode is the failed step's, place where it stands in the Dockerfile. */
export class BuildFailure extends Error {
  constructor(
    message: string,
    readonly exitCode: number | undefined,
    readonly place: { readonly file: string; readonly firstLine: number; readonly lastLine: number } | undefined,
  ) {
    super(message);
  }
}

/** Orders a build, sends what the engine does not have yet, and follows it. @throws BuildFailure */
export async function runBuild(api: Api, run: BuildRun): Promise<BuildOutcome> {
  const accepted = await acceptOrder(api, run);
  const stream = run.archive ?? wantedFiles(run.directories, accepted.Missing);
  const response = await api.call("POST", `/lighter/builds/${accepted.Id}`, {
    stream,
    headers: { "Content-Type": "application/octet-stream" },
  });
  let outcome: Outcome | null = null;
  const decoder = new TextDecoder();
  let rest = "";
  const take = createDemultiplexer(
    async (channel, piece) => {
      if (channel === 2) return run.onOutput(piece);
      const parts = (rest + decoder.decode(piece, { stream: true })).split("\n");
      rest = parts.pop() ?? "";
      for (const part of parts) await run.onStatus(JSON.parse(part));
    },
    (text) => {
      outcome = JSON.parse(text);
    },
  );
  for await (const bytes of response.body) await take(bytes);
  return finished(outcome);
}

type Outcome =
  | BuildOutcome
  | { readonly error: string; readonly exitCode?: number; readonly place?: BuildFailure["place"] };

function finished(outcome: Outcome | null): BuildOutcome {
  if (outcome === null)
    throw new LighterError("unavailable", "BUILD_CUT", "the engine went away in the middle of the build");
  if ("error" in outcome) throw new BuildFailure(outcome.error, outcome.exitCode, outcome.place);
  return outcome;
}

interface Accepted {
  readonly Id: string;
  /** Of each directory, in the order in which they were named. */
  readonly Missing: readonly (readonly string[])[];
}

async function acceptOrder(api: Api, { order, directories }: BuildRun): Promise<Accepted> {
  async function* lines(): AsyncGenerator<Uint8Array> {
    let text = `${JSON.stringify({ order })}\n`;
    for (const { name, path, ...options } of directories) {
      text += `${JSON.stringify({ context: name, key: `${hostname()}:${process.getuid?.() ?? 0}:${path}` })}\n`;
      for await (const entry of walkDirectory(path, options)) {
        text += `${JSON.stringify(entry)}\n`;
        if (text.length < 64 * 1024) continue;
        yield new TextEncoder().encode(text);
        text = "";
      }
    }
    yield new TextEncoder().encode(text);
  }
  return api.json<Accepted>("POST", "/lighter/builds", {
    stream: lines(),
    headers: { "Content-Type": "application/x-ndjson" },
  });
}

const PIECE_BYTES = 256 * 1024;

/** Each file as pieces: a length in four bytes, then as many; a length of zero ends it. */
async function* wantedFiles(
  directories: readonly SentDirectory[],
  missing: Accepted["Missing"],
): AsyncGenerator<Uint8Array> {
  // Small files are joined: a write for each would cost more than they do.
  let pending: Uint8Array[] = [];
  let size = 0;
  const add = (bytes: Uint8Array) => {
    pending.push(bytes);
    size += bytes.length;
  };
  for (const [number, { path: root }] of directories.entries()) {
    for (const path of missing[number] ?? []) {
      await using file = await open(join(root, path), "r");
      for (;;) {
        const piece = new Uint8Array(4 + PIECE_BYTES);
        const { bytesRead } = await file.read(piece, 4, PIECE_BYTES);
        new DataView(piece.buffer).setUint32(0, bytesRead);
        add(piece.subarray(0, 4 + bytesRead));
        if (size >= PIECE_BYTES) {
          yield Buffer.concat(pending);
          pending = [];
          size = 0;
        }
        if (bytesRead === 0) break;
      }
    }
  }
  if (size > 0) yield Buffer.concat(pending);
}
