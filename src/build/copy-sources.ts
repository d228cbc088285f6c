import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join, posix } from "node:path";
import { fail, LighterError } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import type { ChainId } from "../image/digest.ts";
import { hashTrees } from "../snapshot/archive.ts";
import type { RootAccess } from "../snapshot/root-access.ts";
import type { BuildRun } from "./build-run.ts";
import { hashNode } from "./context/file-tree.ts";
import { listTree } from "./context/list-tree.ts";
import type { CopySource } from "./copy-plan.ts";
import type { Heredoc } from "./dockerfile/heredoc.ts";
import type { InstructionOf } from "./dockerfile/instruction.ts";
import { download, isUrl } from "./download.ts";
import { pathKind } from "./path-kind.ts";
import { compilePathMatch, hasWildcard } from "./path-match.ts";
import { imageOfName } from "./stage-image.ts";

/** A source of COPY or ADD that is there. */
export interface FoundSource extends CopySource {
  /** Names its content, and what kind it is of: `file:` or `dir:` and hex digits. */
  readonly hash: string;
  /** Absolute, in the root that `open` gives. */
  readonly from: string;
  /** Makes it readable on the disk; only called when the cache does not have the copy. */
  readonly open: () => Promise<RootAccess>;
  /**
   * The layers that it comes from, if from an image: a copy has the owners that it has there, which the hash does not
   * know. null for all else, which becomes root's.
   */
  readonly ownersOf: ChainId | null;
  /** If it is a tar archive, its content is copied instead: ADD of local files. */
  readonly unpacks: boolean;
}

/**
 * Finds the sources of an instruction, wildcards resolved, in the order in which they are written.
 * @throws invalid or not-found `COPY failed: ...` in Docker's words.
 */
export async function findSources(build: BuildRun, instruction: InstructionOf<"ADD" | "COPY">): Promise<FoundSource[]> {
  const inline = await Promise.all(instruction.inline.map((heredoc) => inlineSource(build, heredoc)));
  if (instruction.kind === "COPY" && instruction.from !== null) {
    const image = imageOfName(build, instruction.from, `invalid from flag value ${instruction.from}`);
    return [...inline, ...(await failing("COPY", () => sourcesInImage(build, image.chainId, instruction.sources)))];
  }
  const found: FoundSource[] = [...inline];
  for (const source of instruction.sources) {
    found.push(...(await failing(instruction.kind, () => sourcesOf(build, instruction, source))));
  }
  return found;
}

async function failing<T>(kind: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof LighterError) || error.kind === "cancelled") throw error;
    return fail(error.kind, error.code, `${kind} failed: ${error.message}`, { cause: error });
  }
}

async function sourcesOf(
  build: BuildRun,
  instruction: InstructionOf<"ADD" | "COPY">,
  source: string,
): Promise<FoundSource[]> {
  if (!isUrl(source)) return sourcesInContext(build, instruction.kind, source);
  if (instruction.kind === "COPY") fail("invalid", "COPY_URL", "source can't be a URL for COPY");
  return [await download(build, source, instruction)];
}

function sourcesInContext(build: BuildRun, kind: "ADD" | "COPY", source: string): FoundSource[] {
  const path = contextPath(source);
  const { tree } = build.context;
  if (hasWildcard(path)) {
    const matches = compilePathMatch(path);
    const found: FoundSource[] = [];
    for (const node of tree.walk()) {
      if (matches(node.path)) found.push(contextSource(build, kind, node.path));
    }
    return found;
  }
  return [contextSource(build, kind, path)];
}

function contextSource(build: BuildRun, kind: "ADD" | "COPY", path: string): FoundSource {
  const { context } = build;
  const node = context.tree.resolve(path);
  if (!node) {
    fail(
      "not-found",
      "COPY_NOT_FOUND",
      `file not found in build context or excluded by .dockerignore: stat ${path}: file does not exist`,
    );
  }
  return {
    name: posix.basename(path),
    kind: node.kind === "directory" ? "directory" : "file",
    unpacks: kind === "ADD",
    hash: hashNode(context.tree, node),
    from: `/${node.path}`,
    open: () => context.unpack([node], build.signal),
    ownersOf: null,
  };
}

/** Relative to the context's root, whatever it begins with. @throws invalid where it leads out. */
function contextPath(source: string): string {
  const path = posix.normalize(source.replace(/^\/+/, "")).replace(/\/+$/, "");
  if (path === ".." || path.startsWith("../")) {
    fail("invalid", "COPY_OUTSIDE", `forbidden path outside the build context: ${source} ()`);
  }
  return path === "." ? "" : path;
}

async function sourcesInImage(
  build: BuildRun,
  chainId: ChainId | null,
  sources: readonly string[],
): Promise<FoundSource[]> {
  const root = await build.parts.layers.root(chainId);
  const paths: string[] = [];
  for (const source of sources) {
    const path = posix.join("/", source).replace(/(?<=.)\/+$/, "");
    if (hasWildcard(path)) paths.push(...(await matchesInRoot(root, path, build.signal)));
    else paths.push(path);
  }
  const found: FoundSource[] = [];
  for (const path of paths) {
    const kind = await pathKind(root, path);
    if (kind === "nothing") fail("not-found", "COPY_NOT_FOUND", `stat ${path.slice(1)}: file does not exist`);
    const isDirectory = kind === "directory";
    const [digest = ""] = await hashTrees(root, [path], build.signal);
    found.push({
      name: posix.basename(path),
      kind: isDirectory ? "directory" : "file",
      hash: `${isDirectory ? "dir" : "file"}:${digest.replace(/^sha256:/, "")}`,
      from: path,
      open: async () => root,
      ownersOf: chainId,
      unpacks: false,
    });
  }
  return found;
}

async function matchesInRoot(root: RootAccess, pattern: string, signal: AbortSignal): Promise<string[]> {
  const parts = pattern.split("/");
  const plain = parts.slice(0, parts.findIndex(hasWildcard)).join("/");
  const matches = compilePathMatch(pattern);
  return (await listTree(root, plain === "" ? "/" : plain, signal)).filter(matches).sort();
}

async function inlineSource(build: BuildRun, { name, content }: Heredoc): Promise<FoundSource> {
  return {
    name: posix.basename(name),
    kind: "file",
    hash: `file:${createHash("sha256").update(content).digest("hex")}`,
    from: "/content",
    open: async () => {
      const directory = join(build.directory, newId());
      await mkdir(directory);
      await writeFile(join(directory, "content"), content, { mode: 0o644 });
      return { kind: "directory", path: directory };
    },
    ownersOf: null,
    unpacks: false,
  };
}
