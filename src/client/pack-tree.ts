import type { Stats } from "node:fs";
import { createReadStream } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { type Header, pack as openPack, type Pack } from "tar-stream";
import { bytesOf } from "./stream-bytes.ts";

export interface PackOptions {
  /** Name of the root in the archive; "" leaves the root itself out and puts what it holds at the top. */
  readonly rootName: string;
  /** Decides by the path below the root, without a slash at its ends. A directory that is left out may still be entered. */
  readonly includes?: (path: string) => boolean;
  /** Whether anything below a directory that was left out can be included. */
  readonly entersExcluded?: boolean;
  /** Everything belongs to root, as in a build context, whoever has written it here. */
  readonly ownedByRoot?: boolean;
  /** Small files that are put in, in place of those of the same name. */
  readonly additions?: ReadonlyMap<string, string>;
}

/**
 * A file or a directory with everything below it as a tar archive, produced as it is read. Symbolic links are packed as
 * links, hard links as links to the first of their names; sockets are left out.
 */
export function packTree(root: string, options: PackOptions): AsyncIterable<Uint8Array> {
  const pack = openPack();
  fill(pack, root, options).then(
    () => pack.finalize(),
    (error) => pack.destroy(error),
  );
  return bytesOf(pack);
}

/** Files that exist only here, as an archive. */
export function packFiles(files: ReadonlyMap<string, string>): AsyncIterable<Uint8Array> {
  const pack = openPack();
  addTexts(pack, files).then(
    () => pack.finalize(),
    (error) => pack.destroy(error),
  );
  return bytesOf(pack);
}

/** What tar-stream needs to know of an entry. */
type HeaderFields = Partial<Header> & Pick<Header, "name">;

async function fill(pack: Pack, root: string, options: PackOptions): Promise<void> {
  const { additions = new Map<string, string>() } = options;
  const linkNames = new Map<string, string>();
  await addPath("", await lstat(root));
  await addTexts(pack, additions);

  async function addPath(path: string, stats: Stats): Promise<void> {
    const name = [options.rootName, path].filter((part) => part !== "").join("/");
    const included = name !== "" && (options.includes?.(path) ?? true) && !additions.has(path);
    if (included) await addEntry(pack, join(root, path), name, stats, { ...options, linkNames });
    if (!stats.isDirectory() || (path !== "" && !included && options.entersExcluded === false)) return;
    for (const child of (await readdir(join(root, path))).sort()) {
      const childPath = path === "" ? child : `${path}/${child}`;
      await addPath(childPath, await lstat(join(root, childPath)));
    }
  }
}

async function addEntry(
  pack: Pack,
  path: string,
  name: string,
  stats: Stats,
  { ownedByRoot = false, linkNames }: PackOptions & { readonly linkNames: Map<string, string> },
): Promise<void> {
  const header: HeaderFields = {
    name: stats.isDirectory() ? `${name}/` : name,
    mode: stats.mode & 0o7777,
    mtime: stats.mtime,
    uid: ownedByRoot ? 0 : stats.uid,
    gid: ownedByRoot ? 0 : stats.gid,
  };
  if (stats.isDirectory()) return finished(pack, { ...header, type: "directory" });
  if (stats.isSymbolicLink()) return finished(pack, { ...header, type: "symlink", linkname: await readlink(path) });
  if (stats.isFIFO()) return finished(pack, { ...header, type: "fifo" });
  if (stats.isCharacterDevice() || stats.isBlockDevice()) {
    const type = stats.isBlockDevice() ? "block-device" : "character-device";
    return finished(pack, { ...header, type, ...deviceNumbers(stats.rdev) });
  }
  if (!stats.isFile()) return;
  const inode = `${stats.dev}:${stats.ino}`;
  const first = linkNames.get(inode);
  if (first !== undefined) return finished(pack, { ...header, type: "link", linkname: first });
  if (stats.nlink > 1) linkNames.set(inode, name);
  await addFile(pack, path, { ...header, type: "file", size: stats.size });
}

/** Exactly as many bytes as the header promises, even if the file grows meanwhile; if it shrinks, the archive fails. */
async function addFile(pack: Pack, path: string, header: HeaderFields & { readonly size: number }): Promise<void> {
  if (header.size === 0) return finished(pack, header);
  await new Promise<void>((resolve, reject) => {
    const entry = pack.entry(header, (error) => (error ? reject(error) : resolve()));
    pipeline(createReadStream(path, { end: header.size - 1, highWaterMark: 256 * 1024 }), entry).catch(reject);
  });
}

/** Adds an entry whose content, if any, is at hand. */
function finished(pack: Pack, header: HeaderFields, content = ""): Promise<void> {
  return new Promise((resolve, reject) => {
    pack.entry(header, content, (error) => (error ? reject(error) : resolve()));
  });
}

async function addTexts(pack: Pack, files: ReadonlyMap<string, string>): Promise<void> {
  for (const [name, text] of files) await finished(pack, { name, mode: 0o600, uid: 0, gid: 0 }, text);
}

/** Linux's layout of a device number in user space (makedev(3)). */
function deviceNumbers(rdev: number): { devmajor: number; devminor: number } {
  const device = BigInt(rdev);
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return { devmajor: Number(major), devminor: Number(minor) };
}
