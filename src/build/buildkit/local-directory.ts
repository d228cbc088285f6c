import { type BigIntStats, constants } from "node:fs";
import {
  chmod,
  lchown,
  link,
  lstat,
  lutimes,
  mkdir,
  open,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { errnoOf } from "../../base/errors.ts";
import { FileTree } from "../context/file-tree.ts";
import type { FileEntry } from "./file-stat.ts";

/** A file as it lies on the disk, with what its content is known by. */
export interface KeptFile extends FileEntry {
  /** sha256 in hex; empty for an empty file and for what is none. */
  readonly contentDigest: string;
}

/** Times are set as seconds with a fraction, which do not hold every nanosecond. */
const CLOCK_ERROR_NS = 1_000_000n;

const IndexSchema = z.array(
  z.tuple([
    z.string(),
    z.enum(["file", "directory", "symlink", "hardlink"]),
    z.int(),
    z.int(),
    z.int(),
    z.int(),
    z.string(),
    z.string(),
    z.string(),
  ]),
);

/**
 * A copy of a client's directory, kept so that the next build is sent only what has changed. Whoever has it may change it;
 * nobody else does. What the index says is always true of the disk: an entry is forgotten before it is touched, and the
 * index itself lies on the disk only while nobody works here, so that a killed engine leaves no half-truth.
 */
export class LocalDirectory {
  readonly #files: Map<string, KeptFile>;
  readonly #unfinished = new Set<string>();

  private constructor(
    private readonly directory: string,
    files: Map<string, KeptFile>,
  ) {
    this.#files = files;
  }

  /** Takes it up where it was left, or begins anew. */
  static async open(directory: string): Promise<LocalDirectory> {
    const known = await readIndex(directory);
    const files = known === null ? new Map<string, KeptFile>() : await stillThere(directory, known);
    await rm(indexPath(directory), { force: true });
    const opened = new LocalDirectory(directory, files);
    if (known === null) await rm(directory, { recursive: true, force: true });
    await mkdir(opened.path, { recursive: true, mode: 0o700 });
    return opened;
  }

  /** Where the files are. */
  get path(): string {
    return join(this.directory, "files");
  }

  get(path: string): KeptFile | undefined {
    return this.#files.get(path);
  }

  /** Makes room for an entry and, unless it is a regular file, makes it. Its directory has to be there. */
  async put(entry: FileEntry): Promise<void> {
    const earlier = this.#files.get(entry.path);
    const at = join(this.path, entry.path);
    if (entry.kind === "directory") {
      if (earlier?.kind !== "directory") {
        await this.remove(entry.path);
        await mkdir(at);
      }
      this.#files.delete(entry.path);
      await lchown(at, entry.uid, entry.gid);
      await chmod(at, entry.mode);
      this.#files.set(entry.path, { ...entry, contentDigest: "" });
      return;
    }
    await this.remove(entry.path);
    if (entry.kind === "symlink") {
      await symlink(entry.linkName, at);
      await lchown(at, entry.uid, entry.gid);
      await setTime(at, entry);
      this.#files.set(entry.path, { ...entry, contentDigest: "" });
    }
  }

  /** Makes a regular file, whose name is free. @returns its content's digest, which `finish` is told */
  async create(entry: FileEntry): Promise<NewFile> {
    const at = join(this.path, entry.path);
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    this.#unfinished.add(entry.path);
    const handle = await open(at, flags, 0o600);
    return {
      write: async (bytes) => {
        for (let offset = 0; offset < bytes.length; ) {
          offset += (await handle.write(bytes, offset, bytes.length - offset)).bytesWritten;
        }
      },
      finish: async (size, contentDigest) => {
        // What we make is root's, as nearly all that clients send.
        if (entry.uid !== 0 || entry.gid !== 0) await handle.chown(entry.uid, entry.gid);
        await handle.chmod(entry.mode);
        await handle.utimes(seconds(entry.modTime), seconds(entry.modTime));
        this.#files.set(entry.path, { ...entry, size, contentDigest });
        this.#unfinished.delete(entry.path);
      },
      close: () => handle.close(),
    };
  }

  /** Makes another name of a file that is there. */
  async link(entry: FileEntry, target: KeptFile): Promise<void> {
    await this.remove(entry.path);
    await link(join(this.path, target.path), join(this.path, entry.path));
    this.#files.set(entry.path, { ...entry, size: target.size, contentDigest: target.contentDigest });
  }

  /** Removes a name and all below it. */
  async remove(path: string): Promise<void> {
    const known = this.#files.get(path);
    this.#files.delete(path);
    if (known?.kind === "directory") {
      for (const below of [...this.#files.keys()]) if (below.startsWith(`${path}/`)) this.#files.delete(below);
    }
    if (known) await rm(join(this.path, path), { recursive: true, force: true });
  }

  /** Removes all that is not named, then sets the directories' times, which all of this has changed. */
  async settle(named: { has(path: string): boolean }): Promise<void> {
    const left = [...this.#files.keys()].filter((path) => !named.has(path));
    // A directory goes with all below it, in one step.
    for (const path of left.sort()) if (this.#files.has(path)) await this.remove(path);
    for (const file of this.#files.values()) {
      if (file.kind === "directory") await setTime(join(this.path, file.path), file);
    }
  }

  tree(): FileTree {
    const tree = new FileTree();
    for (const path of [...this.#files.keys()].sort()) {
      const file = this.#files.get(path);
      if (!file) continue;
      const { kind, mode, linkName, size, contentDigest } = file;
      const isLink = kind === "symlink";
      tree.add(path, {
        kind: kind === "hardlink" ? "file" : kind,
        mode: isLink ? 0o777 : mode,
        linkName: isLink ? linkName : "",
        size: kind === "directory" ? 0 : size,
        contentDigest,
      });
    }
    return tree;
  }

  /** Writes the index: from now on the next build may begin here. */
  async keep(): Promise<void> {
    for (const path of this.#unfinished) await rm(join(this.path, path), { force: true });
    const rows = [...this.#files.values()].map((file) => [
      file.path,
      file.kind,
      file.mode,
      file.uid,
      file.gid,
      file.size,
      String(file.modTime),
      file.linkName,
      file.contentDigest,
    ]);
    const temporary = `${indexPath(this.directory)}.new`;
    await writeFile(temporary, JSON.stringify(rows), { mode: 0o600 });
    await rename(temporary, indexPath(this.directory));
  }
}

/** A regular file that is being written. */
export interface NewFile {
  write(bytes: Uint8Array): Promise<void>;
  finish(size: number, contentDigest: string): Promise<void>;
  close(): Promise<void>;
}

function indexPath(directory: string): string {
  return join(directory, "index.json");
}

async function readIndex(directory: string): Promise<KeptFile[] | null> {
  let text: string;
  try {
    text = await readFile(indexPath(directory), "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return null;
    throw error;
  }
  const rows = IndexSchema.safeParse(parseJson(text));
  if (!rows.success) return null;
  return rows.data.map(([path, kind, mode, uid, gid, size, modTime, linkName, contentDigest]) => {
    return { path, kind, mode, uid, gid, size, modTime: BigInt(modTime), linkName, contentDigest };
  });
}

/** A crash of the machine may have left a name without its content: size and time tell. */
async function stillThere(directory: string, known: readonly KeptFile[]): Promise<Map<string, KeptFile>> {
  const files = new Map<string, KeptFile>();
  const check = async (file: KeptFile) => {
    const stats = await lstat(join(directory, "files", file.path), { bigint: true }).catch(() => null);
    // A file that the index has and the disk has not as it says is kept by name, so that it is removed, but looks changed.
    const isSame = stats !== null && (file.kind === "directory" || file.kind === "symlink" || isAsWritten(file, stats));
    files.set(file.path, isSame ? file : { ...file, modTime: -1n });
  };
  for (let at = 0; at < known.length; at += 64) await Promise.all(known.slice(at, at + 64).map(check));
  return files;
}

function isAsWritten(file: KeptFile, { size, mtimeNs }: BigIntStats): boolean {
  const off = mtimeNs - file.modTime;
  return Number(size) === file.size && off < CLOCK_ERROR_NS && off > -CLOCK_ERROR_NS;
}

async function setTime(path: string, { modTime }: FileEntry): Promise<void> {
  await lutimes(path, seconds(modTime), seconds(modTime));
}

function seconds(nanoseconds: bigint): number {
  return Number(nanoseconds / 1000n) / 1e6;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
