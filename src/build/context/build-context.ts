import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { fail } from "../../base/errors.ts";
import { KeyedLock } from "../../base/keyed-lock.ts";
import { copyIn } from "../../snapshot/archive.ts";
import type { DirectoryRoot } from "../../snapshot/root-access.ts";
import type { SourceFiles } from "../graph/source-files.ts";
import { type FileNode, FileTree } from "./file-tree.ts";
import { inflate } from "./inflate.ts";
import { createTarReader, type TarEntry } from "./tar-entries.ts";

/** Where a node lies in the archive. */
interface Place {
  readonly entry: TarEntry;
  /** The entry with a file's content: another than `entry` for a hard link. */
  readonly content: TarEntry;
}

/** More than the largest monorepo; each entry costs memory of the engine. */
const MAX_ENTRIES = 2_000_000;

/**
 * The files that a client sent to build with. They are received and hashed in one pass into one file; only what an
 * instruction copies, and the cache does not have, is unpacked.
 */
export class BuildContext implements SourceFiles {
  readonly #unpacked = new Set<FileNode>();
  readonly #lock = new KeyedLock();

  private constructor(
    readonly tree: FileTree,
    private readonly places: ReadonlyMap<FileNode, Place>,
    private readonly directory: string,
    private readonly archive: FileHandle,
  ) {}

  /**
   * Receives a context: a tar archive, plain or packed by gzip, zstd, bzip2 or xz.
   * @param directory made here, removed when the context is disposed of or receiving fails.
   * @throws invalid for what is no archive, or one with names that lead out of it; the stream's own error.
   */
  static async receive(source: Readable, directory: string, signal: AbortSignal): Promise<BuildContext> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    try {
      const archive = await open(join(directory, "context.tar"), "wx+", 0o600);
      try {
        const { tree, places } = await index(await inflate(source, directory, signal), archive, signal);
        return new BuildContext(tree, places, directory, archive);
      } catch (error) {
        await archive.close();
        throw error;
      }
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** A file's first bytes, at most `limit`. */
  async read(node: FileNode, limit: number): Promise<Uint8Array> {
    const content = this.places.get(node)?.content;
    const bytes = new Uint8Array(Math.min(limit, content?.size ?? 0));
    if (content) await this.archive.read(bytes, 0, bytes.length, content.contentStart);
    return bytes;
  }

  /** Where the nodes are found on the disk, at their own paths, unpacking what is not there yet. */
  unpack(nodes: readonly FileNode[], signal: AbortSignal): Promise<DirectoryRoot> {
    // One after the other: who finds its files marked as unpacked must find them there.
    return this.#lock.run("unpack", () => this.#unpack(nodes, signal));
  }

  async #unpack(nodes: readonly FileNode[], signal: AbortSignal): Promise<DirectoryRoot> {
    const files = join(this.directory, "files");
    const root: DirectoryRoot = { kind: "directory", path: files };
    const entries = this.#missing(nodes);
    if (entries.length) {
      await mkdir(files, { recursive: true, mode: 0o755 });
      await copyIn(root, "/", Readable.from(this.#pieces(entries)), { keepKind: false, owner: null, signal });
    }
    return root;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.archive.close();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** Entries in the archive's order: a directory before its content, a file before its hard links. */
  #missing(nodes: readonly FileNode[]): TarEntry[] {
    const entries = new Map<number, TarEntry>();
    const want = (node: FileNode) => {
      if (this.#unpacked.has(node)) return;
      this.#unpacked.add(node);
      const place = this.places.get(node);
      if (!place) return;
      entries.set(place.entry.start, place.entry);
      entries.set(place.content.start, place.content);
    };
    for (const node of nodes) {
      const parts = node.path.split("/");
      for (let depth = 1; depth < parts.length; depth++) {
        const above = this.tree.find(parts.slice(0, depth).join("/"));
        if (above) want(above);
      }
      want(node);
      for (const below of this.tree.walk(node)) want(below);
    }
    return [...entries.values()].sort((a, b) => a.start - b.start);
  }

  async *#pieces(entries: readonly TarEntry[]): AsyncGenerator<Uint8Array> {
    const path = join(this.directory, "context.tar");
    for (const { start, end } of joinNeighbours(entries)) yield* createReadStream(path, { start, end: end - 1 });
    yield new Uint8Array(1024);
  }
}

/** One read for entries that lie side by side. */
function joinNeighbours(entries: readonly TarEntry[]): { start: number; end: number }[] {
  const ranges: { start: number; end: number }[] = [];
  for (const { start, end } of entries) {
    const last = ranges.at(-1);
    if (last?.end === start) last.end = end;
    else ranges.push({ start, end });
  }
  return ranges;
}

async function index(
  source: AsyncIterable<Uint8Array>,
  archive: FileHandle,
  signal: AbortSignal,
): Promise<{ tree: FileTree; places: ReadonlyMap<FileNode, Place> }> {
  const tree = new FileTree();
  const places = new Map<FileNode, Place>();
  const add = (entry: TarEntry, contentDigest: string) => {
    const target = entry.kind === "hardlink" ? tree.linkTarget(entry.name, entry.linkName) : null;
    const kind = entry.kind === "hardlink" ? "file" : entry.kind;
    const node = tree.add(entry.name, target ?? { ...entry, kind, contentDigest });
    if (node) places.set(node, { entry, content: (target && places.get(target)?.content) ?? entry });
  };
  let current: { entry: TarEntry; hash: Hash } | null = null;
  let count = 0;
  const reader = createTarReader({
    onEntry: (entry) => {
      if (++count > MAX_ENTRIES)
        fail("invalid", "CONTEXT_TOO_LARGE", `the build context has more than ${MAX_ENTRIES} files`);
      current = { entry, hash: createHash("sha256") };
    },
    onContent: (bytes) => current?.hash.update(bytes),
    onEnd: () => {
      if (current) add(current.entry, current.entry.size > 0 ? current.hash.digest("hex") : "");
      current = null;
    },
  });
  for await (const bytes of source) {
    if (signal.aborted) fail("cancelled", "BUILD_CANCELLED", "Build cancelled");
    reader.push(bytes);
    await archive.write(bytes);
  }
  reader.finish();
  return { tree, places };
}
