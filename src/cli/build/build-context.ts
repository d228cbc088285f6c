import { readText } from "../../client/api.ts";

/** Enough to know an archive by: a tar's magic is at byte 257. */
const SNIFF_BYTES = 512;

/** An address that the engine fetches by itself. */
export function isRemote(place: string): boolean {
  return /^(https?:\/\/|git:\/\/|ssh:\/\/|git@|github\.com\/)/.test(place);
}

/** The beginning of a stream, and the stream, whole again. */
export async function peek(
  source: AsyncIterable<Uint8Array>,
): Promise<{ start: Buffer; stream: AsyncIterable<Uint8Array> }> {
  const iterator = source[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let length = 0;
  while (length < SNIFF_BYTES) {
    const { value, done } = await iterator.next();
    if (done) break;
    chunks.push(value);
    length += value.length;
  }
  async function* whole(): AsyncGenerator<Uint8Array, void> {
    yield* chunks;
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
  }
  return { start: Buffer.concat(chunks), stream: whole() };
}

/** tar, or one of the compressions in which archives come: gzip, bzip2, xz, zstd. */
export function isArchive(start: Buffer): boolean {
  const magics = [
    [0x1f, 0x8b],
    [0x42, 0x5a, 0x68],
    [0xfd, 0x37, 0x7a, 0x58, 0x5a],
    [0x28, 0xb5, 0x2f, 0xfd],
  ];
  if (magics.some((magic) => magic.every((byte, index) => start[index] === byte))) return true;
  return start.subarray(257, 262).toString("latin1") === "ustar";
}

export function stdinText(): Promise<string> {
  return readText(Bun.stdin.stream());
}
