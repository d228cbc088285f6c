import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, open, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { fail } from "../../base/errors.ts";
import type { DirectoryRoot } from "../../snapshot/root-access.ts";
import type { SourceFiles } from "../graph/source-files.ts";
import { type FileNode, FileTree } from "./file-tree.ts";

/** Files that lie in a directory of the builder's own, and are known already. */
export class DirectoryFiles implements SourceFiles {
  constructor(
    readonly tree: FileTree,
    private readonly path: string,
    private readonly dispose: () => Promise<void>,
  ) {}

  async read(node: FileNode, limit: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(Math.min(limit, node.size));
    await using file = await open(join(this.path, node.path), "r");
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    return bytes.subarray(0, bytesRead);
  }

  async unpack(): Promise<DirectoryRoot> {
    return { kind: "directory", path: this.path };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

/** Reads a directory that nobody writes to any more. */
export async function scanDirectory(directory: string, signal: AbortSignal): Promise<FileTree> {
  const tree = new FileTree();
  const visit = async (path: string): Promise<void> => {
    for (const name of (await readdir(join(directory, path))).sort()) {
      if (signal.aborted) fail("cancelled", "BUILD_CANCELLED", "Build cancelled");
      const child = path === "" ? name : `${path}/${name}`;
      const stats = await lstat(join(directory, child));
      const kind = stats.isFile()
        ? "file"
        : stats.isDirectory()
          ? "directory"
          : stats.isSymbolicLink()
            ? "symlink"
            : "other";
      tree.add(child, {
        kind,
        mode: stats.mode & 0o7777,
        linkName: kind === "symlink" ? await readlink(join(directory, child)) : "",
        size: stats.size,
        contentDigest: kind === "file" && stats.size > 0 ? await hashFile(join(directory, child)) : "",
      });
      if (kind === "directory") await visit(child);
    }
  };
  await visit("");
  return tree;
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const bytes of createReadStream(path, { highWaterMark: 256 * 1024 })) hash.update(bytes);
  return hash.digest("hex");
}
