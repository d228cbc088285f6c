import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { pipeline, Readable, type Transform } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { fail, messageOf } from "../../base/errors.ts";
import { copyIn, exportTar } from "../../snapshot/archive.ts";
import { isTarHeader } from "./tar-entries.ts";

const GZIP = [0x1f, 0x8b];
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd];
const XZ = [0xfd, 0x37, 0x7a, 0x58, 0x5a];
const BZIP2 = [0x42, 0x5a, 0x68];
const PACKED = [GZIP, ZSTD, XZ, BZIP2];

/** The archive without its packing, told by its first bytes. */
export async function inflate(
  source: Readable,
  directory: string,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const { head, stream } = await peek(source, 6);
  if (startsWith(head, GZIP)) return through(stream, createGunzip());
  if (startsWith(head, ZSTD)) return through(stream, createZstdDecompress());
  if (startsWith(head, XZ) || startsWith(head, BZIP2)) {
    // Rare, and only the archive helper reads them: unpacked by it and packed again, plainly.
    const path = join(directory, "unpacked");
    await mkdir(path);
    const root = { kind: "directory", path } as const;
    await copyIn(root, "/", stream, { keepKind: false, owner: null, signal });
    return exportTar(root, { signal });
  }
  return stream;
}

/** The source's own error reaches the reader as it is; what does not unpack is the client's mistake. */
async function* through(source: Readable, transform: Transform): AsyncGenerator<Uint8Array> {
  let lost: unknown;
  source.once("error", (error) => {
    lost = error;
  });
  try {
    yield* pipeline(source, transform, () => {});
  } catch (cause) {
    if (lost !== undefined) throw lost;
    fail("invalid", "CONTEXT_BROKEN", `the build context does not unpack: ${messageOf(cause)}`, { cause });
  }
}

const TAR_HEADER_BYTES = 512;

/** Whether a stream is a tar archive, packed in any way that {@link inflate} knows; and the stream, whole again. */
export async function startsLikeArchive(source: Readable): Promise<{ isArchive: boolean; stream: Readable }> {
  const { head, stream } = await peek(source, TAR_HEADER_BYTES);
  return { isArchive: PACKED.some((magic) => startsWith(head, magic)) || isTarHeader(head), stream };
}

async function peek(source: Readable, wanted: number): Promise<{ head: Uint8Array; stream: Readable }> {
  const iterator: AsyncIterator<Uint8Array> = source[Symbol.asyncIterator]();
  const pieces: Uint8Array[] = [];
  let length = 0;
  while (length < wanted) {
    const next = await iterator.next();
    if (next.done) break;
    pieces.push(next.value);
    length += next.value.length;
  }
  async function* whole(): AsyncGenerator<Uint8Array> {
    yield* pieces;
    for (;;) {
      const next = await iterator.next();
      if (next.done) return;
      yield next.value;
    }
  }
  return { head: Buffer.concat(pieces).subarray(0, wanted), stream: Readable.from(whole()) };
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, at) => bytes[at] === byte);
}
