import { pipeline, Readable, type Transform } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { isTarHeader } from "./tar-entries.ts";

const GZIP = [0x1f, 0x8b];
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd];
const XZ = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];
const BZIP2 = [0x42, 0x5a, 0x68];

const HEADER_BYTES = 512;

/** What {@link isArchive} wants to see of a file: zstd gives nothing before its first block is complete (128 KiB at most). */
export const ARCHIVE_HEAD_BYTES = 192 * 1024;

/**
 * Whether ADD unpacks a file: a tar archive, plain or packed. What is packed by gzip or zstd is looked into; of xz and
 * bzip2, which the runtime cannot inflate, the name has to say that a tar archive is inside.
 */
export async function isArchive(name: string, head: Uint8Array): Promise<boolean> {
  if (isTarHeader(head)) return true;
  const begins = (magic: readonly number[]) => magic.every((byte, at) => head[at] === byte);
  if (begins(GZIP)) return isTarHeader(await beginningOf(head, createGunzip()));
  if (begins(ZSTD)) return isTarHeader(await beginningOf(head, createZstdDecompress()));
  return (begins(XZ) && /\.(tar\.xz|txz)$/i.test(name)) || (begins(BZIP2) && /\.(tar\.bz2|tbz2?)$/i.test(name));
}

/** As much as a header needs, and no more: what is packed may be a bomb. */
async function beginningOf(head: Uint8Array, transform: Transform): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const piece of pipeline(Readable.from([head]), transform, () => {})) {
      pieces.push(piece);
      length += piece.length;
      if (length >= HEADER_BYTES) break;
    }
  } catch {
    // The head is cut off anywhere, or not packed at all: what came out before decides.
  }
  return Buffer.concat(pieces);
}
