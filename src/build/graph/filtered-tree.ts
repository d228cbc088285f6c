import { createHash, randomUUID } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join, posix } from "node:path";
import { compileIgnore } from "../../base/dockerignore.ts";
import { copyTree, removePaths } from "../../snapshot/archive.ts";
import type { RootAccess } from "../../snapshot/root-access.ts";
import { describeNode, type FileNode, type FileTree } from "../context/file-tree.ts";
import { listTree } from "../context/list-tree.ts";
import type { Job } from "./job.ts";
import type { CopyChange } from "./operation.ts";

/** What of a directory is copied, by paths below it. */
export interface Filter {
  readonly keeps: (path: string) => boolean;
  /** As hashNode, of what is kept. */
  readonly hash: (tree: FileTree, node: FileNode) => string;
}

/** COPY --exclude, and LLB's include patterns; null where everything is copied. */
export function filterOf({ include, exclude }: CopyChange): Filter | null {
  if (include.length === 0 && exclude.length === 0) return null;
  const includes = include.length ? compileIgnore(include) : () => true;
  const excludes = compileIgnore(exclude);
  const keeps = (path: string) => includes(path) && !excludes(path);
  return {
    keeps,
    hash: (tree, node) => {
      const hash = createHash("sha256");
      for (const child of tree.walk(node)) {
        const name = posix.relative(`/${node.path}`, `/${child.path}`);
        if (keeps(name)) hash.update(describeNode(child, name));
      }
      return `dir:${hash.digest("hex")}`;
    },
  };
}

/** A copy of a directory without what the filter leaves out. It lies in the builder's own directory until the engine cleans up. */
export async function filteredTree(
  job: Pick<Job, "parts" | "signal" | "keep">,
  root: RootAccess,
  from: string,
  filter: Filter,
): Promise<{ root: RootAccess; from: string }> {
  const path = join(job.parts.temporary, `filtered-${randomUUID()}`);
  job.keep({ [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) });
  await mkdir(path, { mode: 0o700 });
  const copy: RootAccess = { kind: "directory", path };
  const options = { owner: null, mode: null, takeAttributes: true, signal: job.signal };
  await copyTree(root, copy, [{ from, to: "/tree" }], options);
  const below = (await listTree(copy, "/tree", job.signal)).filter((name) => name !== "/tree").sort();
  const kept = below.filter((name) => filter.keeps(name.slice("/tree/".length)));
  // A directory stays where something in it does.
  const needed = new Set(kept.flatMap(ancestors));
  const removed: string[] = [];
  for (const name of below) {
    if (!needed.has(name) && !removed.some((above) => name.startsWith(`${above}/`))) removed.push(name);
  }
  for (let at = 0; at < removed.length; at += 500) await removePaths(copy, removed.slice(at, at + 500), job.signal);
  return { root: copy, from: "/tree" };
}

function ancestors(name: string): string[] {
  const parts = name.split("/");
  return parts.map((_, at) => parts.slice(0, at + 1).join("/")).slice(1);
}
