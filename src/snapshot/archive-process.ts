import { type ChildProcess, spawn } from "node:child_process";
import { PassThrough, Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { errnoOf, fail } from "../base/errors.ts";
import { nativePath } from "../base/native.ts";
import { archiveError, FailureSchema } from "./archive-error.ts";

/** Answers are one JSON document; the longest is the list of a container's changes. */
const ANSWER_LIMIT_BYTES = 256 * 1024 * 1024;

/** What is on its way between the helper and a reader. */
const PIPE_BYTES = 256 * 1024;

const AnswerSchema = z.union([z.object({ error: FailureSchema }), z.object({ result: z.unknown() })]);

/** One operation of `lighter-archive`. */
export interface ArchiveJob<Result> {
  readonly operation: string;
  readonly options: readonly string[];
  /** What the operation reads, streamed with back-pressure. */
  readonly input?: Readable;
  readonly result: z.ZodType<Result>;
  /** Kills the helper; files it had begun under temporary names are the caller's to remove. */
  readonly signal?: AbortSignal;
}

/**
 * Runs an operation to its end.
 * @throws what {@link archiveError} makes of the helper's failure; the input's own error if that broke off;
 *   cancelled `ARCHIVE_CANCELLED`.
 */
export async function runArchive<Result>(job: ArchiveJob<Result>): Promise<Result> {
  return resultOf(start(job, "ignore"), job);
}

/**
 * Runs an operation that writes an archive and returns that archive as it comes. The stream only ends well if the whole
 * operation did; otherwise it breaks off with the error. Destroying it ends the helper.
 */
export function streamArchive(job: ArchiveJob<unknown>): Readable {
  const child = start(job, "pipe");
  const result = resultOf(child, job);
  const archive = new PassThrough({
    highWaterMark: PIPE_BYTES,
    flush: (done) => {
      result.then(
        () => done(),
        (error) => done(error),
      );
    },
  });
  pipeline(child.stdout ?? Readable.from([]), archive).catch(() => {
    // Whoever reads sees the same error; one who has left needs the helper no more.
    child.kill("SIGKILL");
  });
  // Reported above where the archive ends; a reader that leaves before is not interested.
  result.catch(() => {});
  return archive;
}

function start(job: ArchiveJob<unknown>, stdout: "pipe" | "ignore"): ChildProcess {
  if (job.signal?.aborted) cancelled(job);
  return spawn(nativePath("lighter-archive"), [job.operation, ...job.options], {
    stdio: [job.input ? "pipe" : "ignore", stdout, "inherit", "pipe"],
    env: {},
    signal: job.signal,
    killSignal: "SIGKILL",
  });
}

async function resultOf<Result>(child: ChildProcess, job: ArchiveJob<Result>): Promise<Result> {
  const [ending, inputError, text] = await Promise.all([
    endingOf(child),
    child.stdin && job.input ? feed(job.input, child.stdin) : null,
    readAnswer(child.stdio[3]),
  ]);
  if (job.signal?.aborted) cancelled(job);
  const answer = text === "" ? null : AnswerSchema.parse(JSON.parse(text));
  const failure = answer && "error" in answer ? archiveError(job.operation, answer.error) : null;
  // An input that broke off is the cause; the helper only saw its end. Where the helper left first, its pipe broke the
  // input off, and the helper knows why.
  if (inputError && !(failure && errnoOf(inputError) === "ERR_STREAM_PREMATURE_CLOSE")) throw inputError;
  if (failure) throw failure;
  if (!answer || !("result" in answer)) {
    return fail("internal", "ARCHIVE_FAILED", `lighter-archive ${job.operation} ended with ${ending}`);
  }
  return job.result.parse(answer.result);
}

/** Sends the input. A helper that stopped reading has failed or seen enough: that is not the input's error. */
async function feed(input: Readable, stdin: Writable): Promise<Error | null> {
  let inputError: Error | null = null;
  input.once("error", (error) => {
    inputError = error;
  });
  try {
    await pipeline(input, stdin);
    return null;
  } catch {
    return inputError;
  }
}

function endingOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
}

async function readAnswer(stream: unknown): Promise<string> {
  if (!isReadable(stream)) return "";
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of stream) {
    bytes += piece.length;
    if (bytes > ANSWER_LIMIT_BYTES) fail("internal", "ARCHIVE_FAILED", "lighter-archive sent an answer without end");
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

function isReadable(stream: unknown): stream is Readable {
  return typeof stream === "object" && stream !== null && Symbol.asyncIterator in stream;
}

function cancelled(job: ArchiveJob<unknown>): never {
  fail("cancelled", "ARCHIVE_CANCELLED", `${job.operation}: cancelled`);
}
