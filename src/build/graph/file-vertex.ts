import { chmod, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join, posix } from "node:path";
import { fail, LighterError } from "../../base/errors.ts";
import { newId } from "../../base/ids.ts";
import type { ChainId } from "../../image/digest.ts";
import { copyTree, removePaths } from "../../snapshot/archive.ts";
import type { OverlayRoot } from "../../snapshot/root-access.ts";
import { listTree } from "../context/list-tree.ts";
import { pathKind } from "../path-kind.ts";
import { compilePathMatch, hasWildcard } from "../path-match.ts";
import { findCopied } from "./copied-sources.ts";
import { copyInto } from "./copy-change.ts";
import { identityOf, type Job, type KeyFacts, type Work } from "./job.ts";
import { layersOf } from "./layers-of.ts";
import type { FileAction, FileOperation, MakeDirectory, MakeFile, MakeLink, RemovePath } from "./operation.ts";
import { layersResult, type Result } from "./solver.ts";
import { writeLayer } from "./write-layer.ts";

type FileJob = Job<FileOperation>;

/** A tree that is only copied from is known by what is copied of it. */
export function fileFacts(job: FileJob): KeyFacts {
  const { inputs, operation } = job;
  const isBase = inputs.map((_, at) => operation.actions.some(({ input }) => input === at));
  const facts = (byContent: (input: Result) => boolean) => async () =>
    Promise.all(
      inputs.map(async (input, at) =>
        isBase[at] || !byContent(input) ? identityOf(input) : (await hashesOf(job, at)).join(","),
      ),
    );
  const copiesFromLayers = inputs.some((input, at) => input.kind === "layers" && !isBase[at]);
  return { quick: facts((input) => input.kind === "files"), exact: copiesFromLayers ? facts(() => true) : null };
}

/** The hashes of all that is copied from an input. */
async function hashesOf(job: FileJob, input: number): Promise<string[]> {
  const hashes: string[] = [];
  for (const { change, secondaryInput } of job.operation.actions) {
    if (change.type !== "copy" || secondaryInput !== input) continue;
    for (const source of await findCopied(job, inputAt(job, input), change)) {
      // A file's own name is part of a copy into a directory.
      hashes.push(`${await source.hash()} ${posix.basename(source.path)}`);
    }
  }
  return hashes;
}

/** Carries out the actions, as many as belong together on one layer. */
export function runFile(job: FileJob): Promise<Work> {
  return job.parts.slots.run(async () => {
    const { actions } = job.operation;
    const made: (ChainId | null)[] = [];
    const outputs: (ChainId | null)[] = [];
    for (let at = 0; at < actions.length; ) {
      const run = actionsOfOneLayer(job, at);
      const base = await layersOf(job, resultOf(job, made, run[0]?.input ?? -1));
      const chainId = await writeLayer(job, base, newId(), async (target) => {
        for (const action of run) await carryOut(job, target, action, made);
      });
      at += run.length;
      made[at - 1] = chainId;
      if (chainId !== null) job.hold(chainId);
      const output = run.at(-1)?.output ?? -1;
      if (output >= 0) outputs[output] = chainId;
    }
    const copied = (await Promise.all(job.inputs.map((_, input) => hashesOf(job, input)))).flat();
    return {
      outputs: Array.from(outputs, (chainId) => chainId ?? null),
      copied: copied.map((hash) => hash.split(" ")[0] ?? ""),
    };
  });
}

/** Actions that follow each other, of which only the last one's result is asked for. */
function actionsOfOneLayer({ operation: { actions }, inputs }: FileJob, start: number): FileAction[] {
  const run = actions.slice(start, start + 1);
  for (let at = start; at + 1 < actions.length; at++) {
    const number = inputs.length + at;
    const users = actions.filter(({ input, secondaryInput }) => input === number || secondaryInput === number);
    const next = actions[at + 1];
    const continues = actions[at]?.output === -1 && users.length === 1 && next?.input === number;
    if (!continues || next.secondaryInput === number) break;
    run.push(next);
  }
  return run;
}

function resultOf(job: FileJob, made: readonly (ChainId | null | undefined)[], number: number): Result {
  if (number < 0) return layersResult(null);
  if (number < job.inputs.length) return inputAt(job, number);
  const chainId = made[number - job.inputs.length];
  if (chainId === undefined) fail("invalid", "NO_SUCH_INPUT", "a file operation asks for the result of a later action");
  return layersResult(chainId);
}

function inputAt({ inputs }: FileJob, number: number): Result {
  return (
    inputs[number] ?? fail("invalid", "NO_SUCH_INPUT", `a file operation asks for input ${number}, which it has not`)
  );
}

async function carryOut(
  job: FileJob,
  target: OverlayRoot,
  { change, secondaryInput }: FileAction,
  made: readonly (ChainId | null)[],
): Promise<void> {
  if (job.signal.aborted) fail("cancelled", "BUILD_CANCELLED", "Build cancelled");
  switch (change.type) {
    case "copy":
      return copyInto(job, target, resultOf(job, made, secondaryInput), change);
    case "mkdir":
      return makeDirectory(job, target, change);
    case "mkfile":
      return makeFile(job, target, change);
    case "symlink":
      return makeLink(job, target, change);
    case "rm":
      return remove(job, target, change);
    default:
      return change satisfies never;
  }
}

async function makeDirectory(
  job: FileJob,
  target: OverlayRoot,
  { path, mode, makeParents, owner }: MakeDirectory,
): Promise<void> {
  const clean = posix.resolve("/", path);
  const kind = clean === "/" ? "directory" : await pathKind(target, clean);
  if (kind === "directory" && makeParents) return;
  if (kind !== "nothing") fail("invalid", "MKDIR_EXISTS", `Cannot mkdir: ${clean} is not a directory`);
  if (!makeParents && (await pathKind(target, posix.dirname(clean))) !== "directory") {
    fail("not-found", "MKDIR_NO_PARENT", `Cannot mkdir: ${posix.dirname(clean)}: no such file or directory`);
  }
  await putThere(job, target, { verb: "mkdir", path: clean, owner }, (place) =>
    mkdir(place).then(() => chmod(place, mode)),
  );
}

async function makeFile(job: FileJob, target: OverlayRoot, { path, mode, data, owner }: MakeFile): Promise<void> {
  await putThere(job, target, { verb: "write", path: posix.resolve("/", path), owner }, (place) =>
    writeFile(place, data).then(() => chmod(place, mode)),
  );
}

async function makeLink(job: FileJob, target: OverlayRoot, { oldPath, newPath, owner }: MakeLink): Promise<void> {
  await putThere(job, target, { verb: "link", path: posix.resolve("/", newPath), owner }, (place) =>
    symlink(oldPath, place),
  );
}

/** Makes something in a directory of its own and copies it, so that the target is only written to by the archive helper. */
async function putThere(
  job: FileJob,
  target: OverlayRoot,
  { verb, path, owner }: { readonly verb: string; readonly path: string; readonly owner: string | null },
  make: (place: string) => Promise<void>,
): Promise<void> {
  const directory = join(job.parts.temporary, `made-${newId()}`);
  await mkdir(directory, { recursive: true, mode: 0o755 });
  try {
    await make(join(directory, posix.basename(path)));
    const item = { from: "/", to: posix.dirname(path) };
    const options = { owner: owner ?? "0:0", mode: null, signal: job.signal };
    await copyTree({ kind: "directory", path: directory }, target, [item], options);
  } catch (error) {
    if (!(error instanceof LighterError) || error.kind === "cancelled") throw error;
    fail(error.kind, error.code, `Cannot ${verb}: ${path}: ${error.message}`, { cause: error });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function remove(
  job: FileJob,
  target: OverlayRoot,
  { path, allowNotFound, allowWildcard }: RemovePath,
): Promise<void> {
  const clean = posix.resolve("/", path);
  const isPattern = allowWildcard && hasWildcard(clean);
  const above = isPattern ? clean.split("/").slice(0, clean.split("/").findIndex(hasWildcard)).join("/") || "/" : "/";
  const isThere = (await pathKind(target, above)) === "directory";
  const all = isPattern && isThere ? await listTree(target, above, job.signal) : [];
  const paths = isPattern ? all.filter(compilePathMatch(clean)) : [clean];
  for (const place of paths) {
    try {
      await removePaths(target, [place], job.signal);
    } catch (error) {
      if (!(allowNotFound && error instanceof LighterError && error.code === "ARCHIVE_ENOENT")) throw error;
    }
  }
}
