import { posix } from "node:path";
import { fail } from "../../base/errors.ts";
import { hashTrees } from "../../snapshot/archive.ts";
import type { RootAccess } from "../../snapshot/root-access.ts";
import { type FileNode, hashNode } from "../context/file-tree.ts";
import { listTree } from "../context/list-tree.ts";
import { pathKind } from "../path-kind.ts";
import { compilePathMatch, hasWildcard } from "../path-match.ts";
import { type Filter, filteredTree, filterOf } from "./filtered-tree.ts";
import type { Job } from "./job.ts";
import type { CopyChange } from "./operation.ts";
import type { Result } from "./solver.ts";

/** Something to copy that is there. */
export interface CopiedSource {
  /** The path as it was written or matched, absolute, links not followed. */
  readonly path: string;
  readonly kind: "file" | "directory";
  /** Names its content, and what kind it is of: `file:` or `dir:` and hex digits. */
  readonly hash: () => Promise<string>;
  /** Where it can be read; made ready only when the cache does not have the copy. */
  readonly open: () => Promise<{ readonly root: RootAccess; readonly from: string }>;
}

type SourceJob = Pick<Job, "parts" | "signal" | "keep">;

/**
 * Finds what a copy names, wildcards resolved, in the order of their names.
 * @throws not-found `"/name": not found`; invalid for a pattern that is none.
 */
export async function findCopied(job: SourceJob, result: Result, change: CopyChange): Promise<CopiedSource[]> {
  const path = posix.resolve("/", change.source);
  const filter = filterOf(change);
  const isPattern = change.allowWildcard && hasWildcard(path);
  const found =
    result.kind === "files"
      ? findInFiles(job, result, path, isPattern, filter)
      : await findInLayers(job, result, path, isPattern, filter, change);
  if (found.length === 0 && !(isPattern && change.allowEmptyWildcard)) notFound(path);
  return found;
}

function notFound(path: string): never {
  fail("not-found", "COPY_NOT_FOUND", `${JSON.stringify(path)}: not found`, { cause: { path } });
}

function findInFiles(
  job: SourceJob,
  { files }: Extract<Result, { kind: "files" }>,
  path: string,
  isPattern: boolean,
  filter: Filter | null,
): CopiedSource[] {
  const { tree } = files;
  const relative = path.slice(1);
  const matches = isPattern ? compilePathMatch(relative) : null;
  const paths = matches ? [...tree.walk()].map((node) => node.path).filter(matches) : [relative];
  return paths.flatMap((name) => {
    const node = tree.resolve(name);
    // A link that leads nowhere is found by its name, but there is nothing to copy.
    if (!node) return matches ? [] : notFound(path);
    return [
      {
        path: `/${name}`,
        kind: node.kind === "directory" ? "directory" : "file",
        hash: async () => (filter && node.kind === "directory" ? filter.hash(tree, node) : hashOf(tree, node)),
        open: async () => {
          const root = await files.unpack([node], job.signal);
          return filter && node.kind === "directory"
            ? filteredTree(job, root, `/${node.path}`, filter)
            : { root, from: `/${node.path}` };
        },
      } satisfies CopiedSource,
    ];
  });
}

const hashes = new WeakMap<FileNode, string>();

/** A node's tree does not change: hashed once, however many instructions copy it. */
function hashOf(tree: Parameters<typeof hashNode>[0], node: FileNode): string {
  const known = hashes.get(node);
  if (known !== undefined) return known;
  const hash = hashNode(tree, node);
  hashes.set(node, hash);
  return hash;
}

async function findInLayers(
  job: SourceJob,
  { chainId }: Extract<Result, { kind: "layers" }>,
  path: string,
  isPattern: boolean,
  filter: Filter | null,
  change: CopyChange,
): Promise<CopiedSource[]> {
  const owners = change.owner === null;
  const root = await job.parts.layers.root(chainId);
  const paths = isPattern ? await matchesInRoot(root, path, job.signal) : [path];
  const found: CopiedSource[] = [];
  for (const name of paths) {
    const kind = await pathKind(root, name);
    if (kind === "nothing") {
      if (isPattern) continue;
      notFound(path);
    }
    const isFiltered = filter !== null && kind === "directory";
    found.push({
      path: name,
      kind: kind === "directory" ? "directory" : "file",
      hash: async () => {
        const tree = isFiltered ? await filteredTree(job, root, name, filter) : { root, from: name };
        const [digest = ""] = await hashTrees(tree.root, [tree.from], { owners, signal: job.signal });
        return `${kind === "directory" ? "dir" : "file"}:${digest.replace(/^sha256:/, "")}`;
      },
      open: async () => (isFiltered ? filteredTree(job, root, name, filter) : { root, from: name }),
    });
  }
  return found;
}

async function matchesInRoot(root: RootAccess, pattern: string, signal: AbortSignal): Promise<string[]> {
  const parts = pattern.split("/");
  const plain = parts.slice(0, parts.findIndex(hasWildcard)).join("/") || "/";
  if ((await pathKind(root, plain)) !== "directory") return [];
  return (await listTree(root, plain, signal)).filter(compilePathMatch(pattern)).sort();
}

/** The content of what a mount shows of a result. */
export async function selectedContent(job: SourceJob, result: Result, selector: string): Promise<string> {
  const path = posix.resolve("/", selector);
  if (result.kind === "files") {
    const node = result.files.tree.resolve(path);
    return node ? hashOf(result.files.tree, node) : "nothing";
  }
  const root = await job.parts.layers.root(result.chainId);
  if ((await pathKind(root, path)) === "nothing") return "nothing";
  return (await hashTrees(root, [path], { owners: true, signal: job.signal }))[0] ?? "";
}
