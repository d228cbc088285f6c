import { open } from "node:fs/promises";
import { join } from "node:path";
import type { FileNode, FileTree } from "../context/file-tree.ts";
import type { SourceFiles } from "../graph/source-files.ts";
import type { HeldDirectory } from "./local-directories.ts";

/** A client's files as they lie in the directory that was received into. */
export class ReceivedFiles implements SourceFiles {
  readonly ownedByRoot = false;
  readonly tree: FileTree;

  constructor(private readonly held: HeldDirectory) {
    this.tree = held.directory.tree();
  }

  async read(node: FileNode, limit: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(Math.min(limit, node.size));
    await using file = await open(join(this.held.directory.path, node.path), "r");
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    return bytes.subarray(0, bytesRead);
  }

  async unpack() {
    return { kind: "directory", path: this.held.directory.path } as const;
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.held[Symbol.asyncDispose]();
  }
}
