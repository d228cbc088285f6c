import { posix } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { fail, LighterError } from "../../base/errors.ts";
import { type CopyItem, copyTree, removePaths } from "../../snapshot/archive.ts";
import type { OverlayRoot, RootAccess } from "../../snapshot/root-access.ts";
import { pathKind } from "../path-kind.ts";
import { type CopiedSource, findCopied } from "./copied-sources.ts";
import type { Job } from "./job.ts";
import type { CopyChange } from "./operation.ts";
import type { Result } from "./solver.ts";

/** Copies what a change names from a result into a root that is written to, as BuildKit's file operation does. */
export async function copyInto(
  job: Pick<Job, "parts" | "signal" | "keep">,
  target: OverlayRoot,
  result: Result,
  change: CopyChange,
): Promise<void> {
  const sources = await findCopied(job, result, change);
  if (sources.length === 0) return;
  if (sources.length > 1 && !isDirectoryName(change.destination) && !change.parents) {
    fail(
      "invalid",
      "COPY_NOT_A_DIRECTORY",
      "When using COPY with more than one source file, the destination must be a directory and end with a /",
    );
  }
  const mode = parseMode(change.mode);
  const owner = change.owner ?? (result.kind === "files" ? "0:0" : null);
  const destination = posix.resolve("/", change.destination);
  await checkParent(target, change, destination);
  const intoDirectory = isDirectoryName(change.destination) || (await pathKind(target, destination)) === "directory";
  for (const { root, items } of await batches(sources, (source) =>
    placeOf(source, change, destination, intoDirectory),
  )) {
    if (change.replaceDestination) await makeWay(target, items, job.signal);
    try {
      await copyTree(root, target, items, { owner, mode, signal: job.signal });
    } catch (error) {
      copyFailed(error, change.owner ?? "");
    }
  }
}

/** Whether it was written as one: with a slash, or as `.` or `..`. */
function isDirectoryName(destination: string): boolean {
  return /(?:^|\/)\.{0,2}$/.test(destination);
}

/** Sources that stand side by side under one root are copied in one go; the order is kept, for later ones win. */
async function batches(
  sources: readonly CopiedSource[],
  place: (source: CopiedSource) => Omit<CopyItem, "from">,
): Promise<{ root: RootAccess; items: CopyItem[] }[]> {
  const result: { root: RootAccess; items: CopyItem[] }[] = [];
  for (const source of sources) {
    const { root, from } = await source.open();
    const item = { from, ...place(source) };
    const last = result.at(-1);
    if (last && isDeepStrictEqual(last.root, root)) last.items.push(item);
    else result.push({ root, items: [item] });
  }
  return result;
}

/**
 * Where a source goes (Dockerfile reference, "COPY: Destination"): a directory's content goes into the destination, a file
 * goes into it if it is a directory, else it becomes it. With its parents, all keep their path below the destination.
 */
function placeOf(
  { path, kind }: CopiedSource,
  change: CopyChange,
  destination: string,
  intoDirectory: boolean,
): Omit<CopyItem, "from"> {
  if (change.parents) return { to: posix.join(destination, belowPivot(change.source, path)) };
  const becomesIt = kind === "directory" ? change.directoryContents || !intoDirectory : !intoDirectory;
  const to = becomesIt ? destination : posix.join(destination, posix.basename(path));
  return { to, ...(change.attemptUnpack && kind === "file" && { extractInto: destination }) };
}

/** What stands behind `/./` in the source as written; all of the path where there is none. */
function belowPivot(written: string, path: string): string {
  const pivot = written.indexOf("/./");
  if (pivot < 0) return path;
  return posix.relative(posix.resolve("/", written.slice(0, pivot)), path);
}

async function checkParent(target: RootAccess, change: CopyChange, destination: string): Promise<void> {
  if (change.createDestinationPath || destination === "/") return;
  const parent = change.destination.endsWith("/") ? destination : posix.dirname(destination);
  if ((await pathKind(target, parent)) === "nothing") {
    fail("not-found", "COPY_NO_PARENT", `${JSON.stringify(parent)}: no such file or directory`);
  }
}

async function makeWay(target: OverlayRoot, items: readonly CopyItem[], signal: AbortSignal): Promise<void> {
  for (const { to } of items) {
    if ((await pathKind(target, to)) !== "nothing" && to !== "/") await removePaths(target, [to], signal);
  }
}

/** In Docker's words, where it has some for the helper's failure. */
function copyFailed(error: unknown, owner: string): never {
  if (!(error instanceof LighterError) || error.kind === "cancelled") throw error;
  const [user, group] = owner.split(":");
  const complaint = "unable to convert uid/gid chown string to host mapping";
  const reasons: Readonly<Record<string, string>> = {
    ARCHIVE_UNKNOWN_USER: `${complaint}: can't find uid for user ${user}: no such user: ${user}`,
    ARCHIVE_UNKNOWN_GROUP: `${complaint}: can't find gid for group ${group}: no such group: ${group}`,
  };
  fail(error.kind, error.code, reasons[error.code] ?? `failed to copy files: ${error.message}`, { cause: error });
}

function parseMode(mode: string | null): number | null {
  if (mode === null) return null;
  if (!/^[0-7]{1,4}$/.test(mode)) {
    fail(
      "invalid",
      "INVALID_CHMOD",
      `invalid chmod parameter: '${mode}'. it should be octal string and between 0 and 07777`,
    );
  }
  return Number.parseInt(mode, 8);
}
