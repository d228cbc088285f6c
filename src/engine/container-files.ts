import { posix } from "node:path";
import type { Readable } from "node:stream";
import { fail, LighterError } from "../base/errors.ts";
import { changes, copyIn, copyOut, exportTar, type PathStat, statPath } from "../snapshot/archive.ts";
import type { MountPoint } from "../volume/mount-point.ts";
import { emitContainerEvent } from "./container-events.ts";
import type { ContainerRecord } from "./container-record.ts";
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
  const record = parts.containers.resolve(reference);
  return named(reference, path, statPath(await rootOf(parts, record), path));
}

/** @throws forbidden where the container itself could not write either. */
function requireWritable(record: ContainerRecord, path: string): void {
  const mount = mountAbove(record, posix.resolve("/", path));
  if (mount && !mount.RW) fail("forbidden", "READ_ONLY_VOLUME", "mounted volume is marked read-only");
  if (!mount && record.hostConfig.ReadonlyRootfs) {
    fail("forbidden", "READ_ONLY_ROOT", "container rootfs is marked read-only");
  }
}

/** The innermost mount that a path is in. */
function mountAbove(record: ContainerRecord, absolute: string): MountPoint | undefined {
  return record.mounts
    .filter(({ Destination }) => absolute === Destination || absolute.startsWith(`${Destination}/`))
    .sort((one, other) => other.Destination.length - one.Destination.length)[0];
}

/** Says what is missing in Docker's words. */
async function named<T>(reference: string, path: string, found: Promise<T>): Promise<T> {
  try {
    return await found;
  } catch (error) {
    if (!(error instanceof LighterError) || error.kind !== "not-found") throw error;
    return fail("not-found", "PATH_NOT_FOUND", `Could not find the file ${path} in container ${reference}`, {
      cause: error,
    });
  }
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
  const stat = await named(reference, path, statPath(root, path));
  emitContainerEvent(parts, record, "archive-path");
  return { stat, tar: copyOut(root, path, abort) };
}

/** Unpacks a tar stream into a directory of a container. @throws not-found; invalid; forbidden where it is read-only. */
export async function copyIntoContainer(
  parts: EngineParts,
  reference: string,
  path: string,
  tar: Readable,
  options: CopyIntoOptions,
): Promise<void> {
  const record = parts.containers.resolve(reference);
  requireWritable(record, path);
  const copied = copyIn(await rootOf(parts, record), path, tar, {
    keepKind: options.noOverwriteDirNonDir,
    owner: options.copyUidGid ? record.config.User || null : null,
    signal: options.abort,
  });
  await named(reference, path, copied);
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
