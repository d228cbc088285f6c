import { openSync } from "node:fs";
import { errnoOf } from "../base/errors.ts";

const CHUNK_BYTES = 256 * 1024;

/** The bytes of a file, opened at once so that a missing one is noticed before anything is sent; `-` is standard input. */
export function readInput(path: string): AsyncIterable<Uint8Array> {
  return path === "-" ? Bun.stdin.stream() : readDescriptor(openFile(path));
}

async function* readDescriptor(descriptor: number): AsyncGenerator<Uint8Array, void> {
  const { createReadStream } = await import("node:fs");
  yield* createReadStream("", { fd: descriptor, highWaterMark: CHUNK_BYTES });
}

function openFile(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    const reason = errnoOf(error) === "ENOENT" ? "no such file or directory" : errnoOf(error);
    throw new Error(`open ${path}: ${reason}`);
  }
}
