import { readText } from "../../client/api.ts";
import { openDirectoryContext } from "../../client/build-context.ts";
import { packFiles } from "../../client/pack-tree.ts";

/** What is sent to be built: an archive, or an address where the engine finds it. */
export interface BuildContext {
  readonly archive: AsyncIterable<Uint8Array> | undefined;
  readonly remote: string | undefined;
  /** Path in the context. */
  readonly dockerfile: string | undefined;
}

const DEFAULT_DOCKERFILE = "Dockerfile";
/** Enough to know an archive by: a tar's magic is at byte 257. */
const SNIFF_BYTES = 512;

/**
 * Opens a context: a directory, `-` for an archive or a Dockerfile on standard input, or an address. The Dockerfile may
 * be elsewhere, or standard input, and is then sent along under a name that no step sees.
 * @throws Error when directory or Dockerfile are not there
 */
export async function openContext(place: string, file: string | undefined): Promise<BuildContext> {
  if (/^(https?:\/\/|git:\/\/|git@|github\.com\/)/.test(place)) {
    return { archive: undefined, remote: place, dockerfile: file };
  }
  if (place === "-") {
    if (file === "-") throw new Error("invalid argument: can't use stdin for both build context and dockerfile");
    return contextFromStdin(file);
  }
  const source = file === undefined ? undefined : file === "-" ? { text: await stdinText() } : { path: file };
  return { ...(await openDirectoryContext(place, source)), remote: undefined };
}

async function contextFromStdin(file: string | undefined): Promise<BuildContext> {
  const { start, stream } = await peek(Bun.stdin.stream(), SNIFF_BYTES);
  if (isArchive(start)) return { archive: stream, remote: undefined, dockerfile: file };
  const text = await readText(stream);
  if (text === "")
    throw new Error("unable to prepare context: standard input is empty: expected an archive or a Dockerfile");
  const files = new Map([[DEFAULT_DOCKERFILE, text]]);
  return { archive: packFiles(files), remote: undefined, dockerfile: DEFAULT_DOCKERFILE };
}

async function peek(
  source: AsyncIterable<Uint8Array>,
  count: number,
): Promise<{ start: Buffer; stream: AsyncIterable<Uint8Array> }> {
  const iterator = source[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let length = 0;
  while (length < count) {
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
function isArchive(start: Buffer): boolean {
  const magics = [
    [0x1f, 0x8b],
    [0x42, 0x5a, 0x68],
    [0xfd, 0x37, 0x7a, 0x58, 0x5a],
    [0x28, 0xb5, 0x2f, 0xfd],
  ];
  if (magics.some((magic) => magic.every((byte, index) => start[index] === byte))) return true;
  return start.subarray(257, 262).toString("latin1") === "ustar";
}

function stdinText(): Promise<string> {
  return readText(Bun.stdin.stream());
}
