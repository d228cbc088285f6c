import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { FileHandle } from "node:fs/promises";

const READ_BYTES = 256 * 1024;

/** The SHA-256 of a file's first bytes, to be gone on with. */
export async function hashBeginning(path: string, sizeBytes: number): Promise<Hash> {
  const hash = createHash("sha256");
  if (sizeBytes === 0) return hash;
  const source = createReadStream(path, { highWaterMark: READ_BYTES, end: sizeBytes - 1 });
  for await (const piece of source) hash.update(piece);
  return hash;
}

/** Writes all of a piece; one write may take less. */
export async function writeAll(file: FileHandle, piece: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < piece.length; ) {
    done += (await file.write(piece, done, piece.length - done, position + done)).bytesWritten;
  }
}
