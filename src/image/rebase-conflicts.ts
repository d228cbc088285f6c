import { fail } from "../base/errors.ts";
import type { OverlayRoot } from "../snapshot/root-access.ts";
import { type FileChange, fileChanges } from "./layer-files.ts";

/** More are counted, not named. */
const NAMED_PATHS = 20;

const DELETED = 2;

/**
 * Refuses to put what was written on one image onto another one where both changed the same path, or one changed what the
 * other took away. That both made the same of it is no conflict.
 * @param roots `ours` was written on `origin`; `theirs` is what it shall be put on.
 * @throws conflict `REBASE_CONFLICT`, naming the paths.
 */
export async function refuseConflicts(
  roots: { readonly origin: OverlayRoot; readonly ours: OverlayRoot; readonly theirs: OverlayRoot },
  base: string,
  signal?: AbortSignal,
): Promise<void> {
  const [ours, theirs] = [
    await fileChanges(roots.origin, roots.ours, signal),
    await fileChanges(roots.origin, roots.theirs, signal),
  ];
  const candidates = conflictingPaths(ours, theirs);
  if (candidates.length === 0) return;
  const different = new Set((await fileChanges(roots.theirs, roots.ours, signal)).map(({ Path }) => Path));
  const conflicts = candidates.filter((path) => different.has(path));
  if (conflicts.length === 0) return;
  const more = conflicts.length > NAMED_PATHS ? ` and ${conflicts.length - NAMED_PATHS} more` : "";
  fail(
    "conflict",
    "REBASE_CONFLICT",
    `cannot rebase onto ${base}: changed in the container and in the new base: ${conflicts.slice(0, NAMED_PATHS).join(", ")}${more}`,
  );
}

/** Paths that both changed, and those that one changed below what the other deleted or made something else of. */
export function conflictingPaths(ours: readonly FileChange[], theirs: readonly FileChange[]): string[] {
  const [mine, other] = [byPath(ours), byPath(theirs)];
  const both = [...mine.keys()].filter((path) => other.has(path));
  const below = [
    ...[...mine.keys()].filter((path) => isBelow(path, other)),
    ...[...other.keys()].filter((path) => isBelow(path, mine)),
  ];
  return [...new Set([...both, ...below])].sort();
}

function byPath(changes: readonly FileChange[]): Map<string, FileChange> {
  return new Map(changes.map((change) => [change.Path, change]));
}

/** Whether a directory above a path is no directory any more. */
function isBelow(path: string, changes: ReadonlyMap<string, FileChange>): boolean {
  for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
    const above = changes.get(path.slice(0, end));
    if (above && (above.Kind === DELETED || above.Type !== "directory")) return true;
  }
  return false;
}
