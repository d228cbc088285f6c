import { Readable } from "node:stream";
import { fail } from "../base/errors.ts";
import { STDCOPY_STREAM, stdcopyFrame } from "../base/stdcopy.ts";
import type { Nanoseconds } from "../base/timestamp.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";
import { logPath } from "./inspect-container.ts";
import { attributeText, logAttributes } from "./log-attributes.ts";
import { entryTime, type LogEntry, readLog } from "./log-file.ts";

export interface LogsOptions {
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly follow: boolean;
  /** Bounds in nanoseconds since the epoch, both included. */
  readonly since?: Nanoseconds;
  readonly until?: Nanoseconds;
  readonly timestamps: boolean;
  /** The attributes that the log's options name, before each line. */
  readonly details: boolean;
  /** The last n entries; `undefined` is all. */
  readonly tail?: number;
  readonly abort: AbortSignal;
}

/** What was written so far, and with `follow` what comes, in the client's format: raw for a terminal, else stdcopy. */
export interface LogStream {
  readonly tty: boolean;
  readonly stream: Readable;
}

/**
 * @throws invalid `NO_STREAM` where neither stream is asked for; `LOGS_NOT_KEPT` for a driver that keeps none. Both in
 * Docker's words.
 */
export function containerLogs(parts: EngineParts, reference: string, options: LogsOptions): LogStream {
  const record = parts.containers.resolve(reference);
  if (!options.stdout && !options.stderr) {
    fail("invalid", "NO_STREAM", "Bad parameters: you must choose at least one stream");
  }
  if (logPath(parts, record) === "") {
    fail("not-implemented", "LOGS_NOT_KEPT", "configured logging driver does not support reading");
  }
  // Registered before anything is read: an exit in between must not be missed.
  const follow =
    options.follow && record.state.status === "running"
      ? { ended: parts.waiters.wait(record.id, "not-running", options.abort).catch(() => {}), abort: options.abort }
      : undefined;
  const entries = readLog(logPath(parts, record), { tail: options.tail, follow });
  return { tty: record.config.Tty, stream: Readable.from(format(entries, record, options), { objectMode: false }) };
}

async function* format(
  batches: AsyncIterable<LogEntry[]>,
  record: ContainerRecord,
  options: LogsOptions,
): AsyncGenerator<Buffer> {
  const attributes = options.details ? attributeText(logAttributes(record)) : "";
  const encode = record.config.Tty ? (_entry: LogEntry, text: Buffer) => text : frame;
  for await (const entries of batches) {
    const chunks: Buffer[] = [];
    for (const entry of entries) {
      if (entry.stream === "stdout" ? !options.stdout : !options.stderr) continue;
      if (options.since !== undefined && entryTime(entry) < options.since) continue;
      if (options.until !== undefined && entryTime(entry) > options.until) {
        if (chunks.length > 0) yield Buffer.concat(chunks);
        return;
      }
      const time = options.timestamps ? `${entry.time} ` : "";
      chunks.push(encode(entry, Buffer.from(time + attributes + entry.log)));
    }
    if (chunks.length > 0) yield Buffer.concat(chunks);
  }
}

function frame(entry: LogEntry, text: Buffer): Buffer {
  return stdcopyFrame(STDCOPY_STREAM[entry.stream], text);
}
