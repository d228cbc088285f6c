import { errnoOf } from "../base/errors.ts";
import { fs } from "./builtin.ts";

export const STDOUT = 1;
export const STDERR = 2;
export type Descriptor = typeof STDOUT | typeof STDERR;

/** What a shell shows for a program that the broken pipe signal ended. */
const BROKEN_PIPE_STATUS = 141;
/** How much goes to the slow writer at once. */
const PIECE_BYTES = 64 * 1024;

/**
 * Writes all of it, straight to the descriptor: `process.stdout` costs 8 ms of loading. Returns a promise only when the
 * reader is slower than we are (EAGAIN on a pipe that someone made non-blocking); await it before writing more.
 */
export function write(descriptor: Descriptor, data: Uint8Array | string): void | Promise<void> {
  let rest = typeof data === "string" ? new TextEncoder().encode(data) : data;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(fs().writeSync(descriptor, rest));
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === "EAGAIN") return writeWhenPossible(descriptor, rest);
      if (errno === "EPIPE") process.exit(BROKEN_PIPE_STATUS);
      if (errno !== "EINTR") throw error;
    }
  }
}

/** One line on standard output. */
export function print(line: string): void | Promise<void> {
  return write(STDOUT, `${line}\n`);
}

/** One line on standard error. */
export function printError(line: string): void | Promise<void> {
  return write(STDERR, `${line}\n`);
}

/** Bun's writer is the one that waits for a descriptor of any kind to become writable; node's needs node:net. */
async function writeWhenPossible(descriptor: Descriptor, data: Uint8Array): Promise<void> {
  const writer = Bun.file(descriptor).writer();
  for (let at = 0; at < data.length; at += PIECE_BYTES) {
    writer.write(data.subarray(at, at + PIECE_BYTES));
    await writer.flush();
  }
}
