import type { DirectoryRoot } from "../../snapshot/root-access.ts";
import type { FileNode, FileTree } from "../context/file-tree.ts";

/**
 * A tree of files from outside: a client's directory, a repository, a download. It is known whole (names, kinds, digests of
 * contents), and lies on the disk where something is about to read it.
 */
export interface SourceFiles extends AsyncDisposable {
  readonly tree: FileTree;
  /** A file's first bytes, at most `limit`. */
  read(node: FileNode, limit: number): Promise<Uint8Array>;
  /** A directory in which these nodes, and all below them, are at their own paths. It must not be written to. */
  unpack(nodes: readonly FileNode[], signal: AbortSignal): Promise<DirectoryRoot>;
}

/** Files that somebody else disposes of. */
export function borrowed(files: SourceFiles): SourceFiles {
  return {
    tree: files.tree,
    read: (node, limit) => files.read(node, limit),
    unpack: (nodes, signal) => files.unpack(nodes, signal),
    [Symbol.asyncDispose]: async () => {},
  };
}
