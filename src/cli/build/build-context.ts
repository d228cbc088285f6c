import { randomBytes } from "node:crypto";
import { readFile, realpath, stat } from "node:fs/promises";
import { basename, isAbsolute, join, relative, resolve } from "node:path";
import { compileIgnore, parseIgnoreFile } from "../../base/dockerignore.ts";
import { errnoOf } from "../../base/errors.ts";
import { readText } from "../../client/api.ts";
import { packFiles, packTree } from "../archive/pack-tree.ts";

/** What is sent to be built: an archive, or an address where the engine finds it. */
export interface BuildContext {
  readonly archive: AsyncIterable<Uint8Array> | undefined;
  readonly remote: string | undefined;
  /** Path in the context. */
  readonly dockerfile: string | undefined;
}

const IGNORE_FILE = ".dockerignore";
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
  return contextFromDirectory(place, file);
}

async function contextFromDirectory(place: string, file: string | undefined): Promise<BuildContext> {
  const root = await existingDirectory(place);
  const dockerfile = await findDockerfile(root, file);
  const ignoreText = (await ignoreTextFor(root, dockerfile)) ?? "";
  const patterns = parseIgnoreFile(ignoreText);
  const isIgnored = compileIgnore(patterns);
  // The engine needs both, even where no step may see them; it takes them away itself.
  const always = new Set([IGNORE_FILE, dockerfile.path]);
  const archive = packTree(root, {
    rootName: "",
    ownedByRoot: true,
    includes: (path) => always.has(path) || !isIgnored(path),
    entersExcluded: patterns.some((pattern) => pattern.startsWith("!")) || dockerfile.path.includes("/"),
    additions:
      dockerfile.text === undefined ? undefined : foreignDockerfile(dockerfile.path, dockerfile.text, ignoreText),
  });
  return { archive, remote: undefined, dockerfile: dockerfile.path };
}

interface Dockerfile {
  /** In the context. */
  readonly path: string;
  /** Its text, when the context does not have it. */
  readonly text?: string;
  readonly ownIgnoreFile?: string;
}

async function findDockerfile(root: string, file: string | undefined): Promise<Dockerfile> {
  if (file === "-") return { path: hiddenName(), text: await readText(Bun.stdin.stream()) };
  const path = file === undefined ? join(root, DEFAULT_DOCKERFILE) : resolve(file);
  const found = await realpath(path)
    .catch(() => realpath(join(root, file ?? DEFAULT_DOCKERFILE)))
    .catch((error) => {
      if (errnoOf(error) !== "ENOENT") throw error;
      throw new Error(
        `unable to prepare context: unable to evaluate symlinks in Dockerfile path: lstat ${path}: no such file or directory`,
      );
    });
  const inside = relative(root, found);
  const ownIgnoreFile = `${found}${IGNORE_FILE}`;
  if (!inside.startsWith("..") && !isAbsolute(inside)) return { path: inside, ownIgnoreFile };
  return { path: hiddenName(), text: await readFile(found, "utf8"), ownIgnoreFile };
}

/** The Dockerfile's own ignore file comes before the context's. */
async function ignoreTextFor(root: string, { ownIgnoreFile }: Dockerfile): Promise<string | null> {
  const own = ownIgnoreFile === undefined ? null : await readIfPresent(ownIgnoreFile);
  return own ?? readIfPresent(join(root, IGNORE_FILE));
}

/** Puts the text into the context, and into the ignore file that no step may see it. */
function foreignDockerfile(path: string, text: string, ignoreText: string): ReadonlyMap<string, string> {
  const ignored = ignoreText === "" ? [IGNORE_FILE, path] : [ignoreText, path];
  return new Map([
    [path, text],
    [IGNORE_FILE, `${ignored.join("\n")}\n`],
  ]);
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

async function existingDirectory(place: string): Promise<string> {
  const found = await stat(place).catch(() => null);
  if (!found) throw new Error(`unable to prepare context: path ${JSON.stringify(place)} not found`);
  if (!found.isDirectory())
    throw new Error(`unable to prepare context: context must be a directory: ${resolve(place)}`);
  return realpath(place);
}

async function readIfPresent(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return null;
    throw new Error(`cannot read ${basename(path)} of the context`, { cause: error });
  }
}

function hiddenName(): string {
  return `.dockerfile.${randomBytes(10).toString("hex")}`;
}
