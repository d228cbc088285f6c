import type { Readable } from "node:stream";
import { changes, copyIn, copyOut, exportTar, type PathStat, statPath } from "../snapshot/archive.ts";
import { emitContainerEvent } from "./container-events.ts";
import { overlayOf, rootOf } from "./container-root.ts";
import type { EngineParts } from "./engine-parts.ts";

export interface CopyIntoOptions {
  /** A directory is never replaced by something else, nor the reverse. */
  readonly noOverwriteDirNonDir: boolean;
  /** What is written belongs to the container's user instead of the archive's owners. */
  readonly copyUidGid: boolean;
  readonly abort?: AbortSignal;
}

/** What a path in a container is, links in it followed inside the container alone. @throws not-found */
export async function statInContainer(parts: EngineParts, reference: string, path: string): Promise<PathStat> {
  return statPath(await rootOf(parts, parts.containers.resolve(reference)), path);
}

/** A path in a container as a tar stream, as `docker cp` gets it. @throws not-found */
export async function copyFromContainer(
  parts: EngineParts,
  reference: string,
  path: string,
  abort?: AbortSignal,
): Promise<{ stat: PathStat; tar: Readable }> {
  const record = parts.containers.resolve(reference);
  const root = await rootOf(parts, record);
  const stat = await statPath(root, path);
  emitContainerEvent(parts, record, "archive-path");
  return { stat, tar: copyOut(root, path, abort) };
}

/** Unpacks a tar stream into a directory of a container. @throws not-found; invalid. */
export async function copyIntoContainer(
  parts: EngineParts,
  reference: string,
  path: string,
  tar: Readable,
  options: CopyIntoOptions,
): Promise<void> {
  const record = parts.containers.resolve(reference);
  await copyIn(await rootOf(parts, record), path, tar, {
    keepKind: options.noOverwriteDirNonDir,
    owner: options.copyUidGid ? record.config.User || null : null,
    signal: options.abort,
  });
  emitContainerEvent(parts, record, "extract-to-dir");
}

/** The container's own files as one tar stream, without what is mounted. */
export async function exportContainer(parts: EngineParts, reference: string, abort?: AbortSignal): Promise<Readable> {
  const record = parts.containers.resolve(reference);
  const tar = exportTar(await overlayOf(parts, record), { signal: abort });
  emitContainerEvent(parts, record, "export");
  return tar;
}

/** What the container changed against its image: `Kind` 0 modified, 1 added, 2 deleted; null for nothing. */
export async function containerChanges(parts: EngineParts, reference: string, abort?: AbortSignal) {
  const record = parts.containers.resolve(reference);
  const root = await overlayOf(parts, record);
  const list = await changes({ ...root, upper: record.snapshot }, abort);
  return list.length > 0 ? list.map(({ path, kind }) => ({ Path: path, Kind: kind })) : null;
}
