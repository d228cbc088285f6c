import { fail } from "../../base/errors.ts";
import { FileTree } from "../context/file-tree.ts";
import type { SourceFiles } from "../graph/source-files.ts";

/** A few texts as files that are only ever read, never unpacked: a Dockerfile that came by itself. */
export function textFiles(texts: Readonly<Record<string, string>>): SourceFiles {
  const tree = new FileTree();
  const contents = new Map(Object.entries(texts).map(([name, text]) => [name, new TextEncoder().encode(text)]));
  for (const [name, { length: size }] of contents) {
    tree.add(name, { kind: "file", mode: 0o644, linkName: "", size, contentDigest: "" });
  }
  return {
    tree,
    read: async (node, limit) => (contents.get(node.path) ?? new Uint8Array(0)).subarray(0, limit),
    unpack: async () => fail("internal", "TEXT_FILES", "a Dockerfile's own directory cannot be copied from"),
    [Symbol.asyncDispose]: async () => {},
  };
}
