import { lstat, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";

/** A name of a directory that is built from: path, kind, mode, size, modification time in nanoseconds, link's target. */
export type EntryLine = readonly [
  path: string,
  kind: "file" | "directory" | "symlink" | "hardlink",
  mode: number,
  size: number,
  modTime: string,
  linkName: string,
];

export interface WalkOptions {
  /** Whether a path is left out. */
  readonly isIgnored: (path: string) => boolean;
  /** Whether anything below a directory that was left out can be included. */
  readonly entersIgnored: boolean;
}

/** All names of a directory, each directory before what is in it. Sockets, pipes and devices are of no use to a build. */
export async function* walkDirectory(root: string, options: WalkOptions): AsyncGenerator<EntryLine> {
  const links = new Map<string, string>();
  const named = new Set<string>();

  async function* visit(directory: string): AsyncGenerator<EntryLine> {
    const names = (await readdir(join(root, directory))).sort();
    const all = await Promise.all(
      names.map(async (name) => {
        const path = directory === "" ? name : `${directory}/${name}`;
        return { path, stats: await lstat(join(root, path), { bigint: true }) };
      }),
    );
    for (const { path, stats } of all) {
      const isIgnored = options.isIgnored(path);
      const mode = Number(stats.mode & 0o7777n);
      const modTime = String(stats.mtimeNs);
      if (stats.isDirectory()) {
        const line: EntryLine = [path, "directory", mode, 0, modTime, ""];
        if (!isIgnored) {
          named.add(path);
          yield line;
        }
        if (!isIgnored || options.entersIgnored) yield* visit(path);
      } else if (!isIgnored) {
        // A file that an exception keeps in an ignored directory brings the directory with it.
        yield* missingParents(path);
        if (stats.isSymbolicLink()) yield [path, "symlink", 0o777, 0, modTime, await readlink(join(root, path))];
        else if (stats.isFile()) {
          const inode = `${stats.dev}:${stats.ino}`;
          const first = stats.nlink > 1n ? links.get(inode) : undefined;
          if (stats.nlink > 1n && first === undefined) links.set(inode, path);
          yield [path, first === undefined ? "file" : "hardlink", mode, Number(stats.size), modTime, first ?? ""];
        }
      }
    }
  }

  async function* missingParents(path: string): AsyncGenerator<EntryLine> {
    const parts = path.split("/");
    for (let depth = 1; depth < parts.length; depth++) {
      const parent = parts.slice(0, depth).join("/");
      if (named.has(parent)) continue;
      named.add(parent);
      const stats = await lstat(join(root, parent), { bigint: true });
      yield [parent, "directory", Number(stats.mode & 0o7777n), 0, String(stats.mtimeNs), ""];
    }
  }

  yield* visit("");
}
