import { spawnSync } from "node:child_process";
import type { Readable } from "node:stream";
import { z } from "zod";
import { nativePath } from "../base/native.ts";
import { runArchive, streamArchive } from "./archive-process.ts";
import { mountOptions, type OverlayRoot, type RootAccess, rootOption } from "./root-access.ts";

/**
 * Archives and trees, in and out of root file systems: the typed face of `lighter-archive`. Every path of a root is
 * resolved inside that root, whatever symbolic links say. All functions reject with the errors of archive-error.ts.
 */

const FileSchema = z.object({ digest: z.string(), size: z.int() });

const UnpackedSchema = z.object({
  /** The archive as it should be stored: as it came, or inflated where layers know no such compression (xz, bzip2). */
  blob: FileSchema,
  compression: z.enum(["none", "gzip", "zstd"]),
  /** The archive inflated: what a layer's diffID names. */
  tar: FileSchema,
  /** Bytes of the files, as {@link usage} counts them. */
  content: z.int(),
});
export type Unpacked = z.infer<typeof UnpackedSchema>;

/**
 * Unpacks a layer's archive, packed in any way, into a snapshot's directory, hashing it on its way. Whiteouts become
 * overlayfs's own. Directories that the archive does not describe look as in `lower` (directories, top first).
 * @param blob where to store the archive (synced, complete when this resolves); null to store nothing.
 */
export function unpack(
  source: Readable,
  into: string,
  options: { blob: string | null; lower: readonly string[]; signal?: AbortSignal },
): Promise<Unpacked> {
  return runArchive({
    operation: "unpack",
    options: [`--into=${into}`, ...list("lower", options.lower), ...optional("blob", options.blob)],
    input: source,
    result: UnpackedSchema,
    signal: options.signal,
  });
}

/** As {@link unpack}, from a file that is there already. */
export function unpackFile(
  file: string,
  into: string,
  options: { lower: readonly string[]; signal?: AbortSignal },
): Promise<Unpacked> {
  return runArchive({
    operation: "unpack",
    options: [`--into=${into}`, `--from=${file}`, ...list("lower", options.lower)],
    result: UnpackedSchema,
    signal: options.signal,
  });
}

const PackedSchema = FileSchema.extend({ content: z.int() });

/**
 * Packs what overlayfs kept of the writes to a root as a layer's archive, synced. The same directory gives the same bytes.
 * @param newestSeconds times after this one are cut to it.
 */
export function pack(
  upper: string,
  blob: string,
  options: { newestSeconds?: number; signal?: AbortSignal } = {},
): Promise<z.infer<typeof PackedSchema>> {
  const { newestSeconds, signal } = options;
  return runArchive({
    operation: "pack",
    options: [`--from=${upper}`, `--blob=${blob}`, ...optional("newest", newestSeconds?.toString())],
    result: PackedSchema,
    signal,
  });
}

/** Compresses a file with gzip into another, synced, on all processors. The same bytes give the same bytes, on any machine. */
export function compress(file: string, blob: string, signal?: AbortSignal): Promise<z.infer<typeof FileSchema>> {
  return runArchive({
    operation: "compress",
    options: [`--from=${file}`, `--blob=${blob}`],
    result: FileSchema,
    signal,
  });
}

/**
 * A whole root as an archive, as `docker export` gives it. For a running container pass its overlay: `live` would
 * include /proc and the volumes.
 * @param newestSeconds times after this one are cut to it, for archives that should not depend on when they were made.
 */
export function exportTar(root: RootAccess, options: { newestSeconds?: number; signal?: AbortSignal } = {}): Readable {
  const { newestSeconds, signal } = options;
  return streamArchive({
    operation: "export",
    options: [rootOption("root", root), ...optional("newest", newestSeconds?.toString())],
    result: z.unknown(),
    signal,
  });
}

const PathStatSchema = z.object({
  name: z.string(),
  size: z.int(),
  /** Go's FileMode bits, as the header of `docker cp` has them. */
  mode: z.int(),
  /** RFC 3339. */
  mtime: z.string(),
  /** Where a symbolic link leads, resolved inside the root; empty for others. */
  linkTarget: z.string(),
});
export type PathStat = z.infer<typeof PathStatSchema>;

/** What stands at a path; a last part that is a symbolic link is not followed. @throws not-found `ARCHIVE_ENOENT` */
export function statPath(root: RootAccess, path: string): Promise<PathStat> {
  return runArchive({
    operation: "stat",
    options: [rootOption("root", root), ...mountOptions(root), `--path=${path}`],
    result: PathStatSchema,
  });
}

/** The file or tree at a path as an archive whose entries begin with the path's last part, as `docker cp` reads it. */
export function copyOut(root: RootAccess, path: string, signal?: AbortSignal): Readable {
  return streamArchive({
    operation: "copy-out",
    options: [rootOption("root", root), ...mountOptions(root), `--path=${path}`],
    result: z.unknown(),
    signal,
  });
}

/**
 * Unpacks an archive into an existing directory of a root. What is there is replaced, but directories are merged.
 * @param owner `user[:group]`, numbers or names of the root's own files, for all that is written; null keeps the archive's.
 */
export async function copyIn(
  root: RootAccess,
  path: string,
  source: Readable,
  options: { keepKind: boolean; owner: string | null; signal?: AbortSignal },
): Promise<void> {
  await runArchive({
    operation: "copy-in",
    options: [
      rootOption("root", root),
      ...mountOptions(root),
      `--path=${path}`,
      ...optional("owner", options.owner),
      // Docker's noOverwriteDirNonDir: a directory is never replaced by something else, nor the reverse.
      ...(options.keepKind ? ["--keep-kind"] : []),
    ],
    input: source,
    result: z.unknown(),
    signal: options.signal,
  });
}

const ChangeSchema = z.object({
  path: z.string(),
  /** As `docker diff` counts: 0 modified, 1 added, 2 deleted. */
  kind: z.union([z.literal(0), z.literal(1), z.literal(2)]),
});
export type Change = z.infer<typeof ChangeSchema>;

/** What was written to an overlay's upper directory, as `docker diff` shows it, in the order of a walk by name. */
export function changes(root: OverlayRoot & { readonly upper: number }, signal?: AbortSignal): Promise<Change[]> {
  return runArchive({
    operation: "changes",
    options: [rootOption("root", { ...root, upper: null }), `--upper=${root.snapshots}/${root.upper}/fs`],
    result: z.array(ChangeSchema),
    signal,
  });
}

/** One thing to copy: a file to exactly `to`; a directory's content into the directory `to`. */
export interface CopyItem {
  readonly from: string;
  readonly to: string;
  /** If the source is a tar archive (packed in any way), unpack it into this directory instead. */
  readonly extractInto?: string;
}

export interface CopyTreeOptions {
  /** `user[:group]`, numbers or names of the target's own files; null keeps the source's owners. */
  readonly owner: string | null;
  /** Permission bits for all that is copied; null keeps the source's. */
  readonly mode: number | null;
  /** Give directories that are there already owner, mode and attributes like those made; otherwise they keep their own. */
  readonly takeAttributes?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Copies between roots with modes, times, extended attributes and hard links, by BuildKit's rules. Sources and targets
 * that are symbolic links are followed, those inside a tree are copied as links. Missing directories above a target are
 * made (0755, `owner`); those that are there keep what they are. A directory and another file never replace each other.
 */
export async function copyTree(
  source: RootAccess,
  target: RootAccess,
  items: readonly CopyItem[],
  options: CopyTreeOptions,
): Promise<void> {
  await runArchive({
    operation: "copy-tree",
    options: [
      rootOption("source", source),
      rootOption("target", target),
      ...items.flatMap(({ from, to, extractInto }) => [
        `--from=${from}`,
        `--to=${to}`,
        `--extract-into=${extractInto ?? ""}`,
      ]),
      ...optional("owner", options.owner),
      ...optional("mode", options.mode?.toString(8)),
      ...(options.takeAttributes ? ["--take-attributes"] : []),
    ],
    result: z.unknown(),
    signal: options.signal,
  });
}

/** Removes what stands at each path of a root that is written to; links on the way are followed inside, the last is removed. */
export async function removePaths(root: RootAccess, paths: readonly string[], signal?: AbortSignal): Promise<void> {
  await runArchive({
    operation: "remove",
    options: [rootOption("root", root), ...list("path", paths)],
    result: z.unknown(),
    signal,
  });
}

/**
 * A digest for each path's tree: kinds, names below it, permission bits, link targets, extended attributes and content,
 * but not times, as a cache key for copies needs it. The path's own last part is followed if it is a link.
 * @param owners a copy keeps them, so they count.
 * @throws not-found `ARCHIVE_ENOENT`
 */
export function hashTrees(
  root: RootAccess,
  paths: readonly string[],
  options: { owners: boolean; signal?: AbortSignal },
): Promise<string[]> {
  return runArchive({
    operation: "hash",
    options: [rootOption("root", root), ...list("path", paths), ...(options.owners ? ["--owners"] : [])],
    result: z.array(z.string()),
    signal: options.signal,
  });
}

const SpooledSchema = z.object({
  name: z.string(),
  kind: z.enum(["file", "link"]),
  /** Number of the file in the directory; for a link the file it leads to is found by `target`. */
  file: z.int(),
  target: z.string(),
  size: z.int(),
  digest: z.string(),
});
export type Spooled = z.infer<typeof SpooledSchema>;

/**
 * Writes each file of an archive to `<directory>/<number>`, synced and hashed, whatever its name: for archives that are
 * containers of blobs (`docker save`), read before it is known what they hold.
 */
export function spool(source: Readable, directory: string, signal?: AbortSignal): Promise<Spooled[]> {
  return runArchive({
    operation: "spool",
    options: [`--into=${directory}`],
    input: source,
    result: z.array(SpooledSchema),
    signal,
  });
}

/** Bytes of the files in a directory (hard links once), as Docker counts a container's SizeRw. */
export async function usage(directory: string): Promise<number> {
  const { bytes } = await runArchive({
    operation: "usage",
    options: [`--path=${directory}`],
    result: z.object({ bytes: z.int() }),
  });
  return bytes;
}

/** Removes all that is in a directory, on this file system alone. */
export async function emptyDirectory(directory: string): Promise<void> {
  await runArchive({ operation: "empty", options: [`--path=${directory}`], result: z.unknown() });
}

/** Resolves when all that was written to a directory's file system is on the disk. */
export async function syncFileSystem(directory: string): Promise<void> {
  await runArchive({ operation: "sync", options: [`--path=${directory}`], result: z.unknown() });
}

/** Tells the file system that the trees in a directory have nothing to do with each other; best made while it is empty. */
export function spreadTrees(directory: string): void {
  // Synchronous, a millisecond, once in a root's life. Whether it did anything only matters to the speed.
  spawnSync(nativePath("lighter-archive"), ["spread", `--path=${directory}`], {
    env: {},
    stdio: ["ignore", "ignore", "ignore", "ignore"],
  });
}

function list(name: string, values: readonly string[]): string[] {
  return values.map((value) => `--${name}=${value}`);
}

function optional(name: string, value: string | null | undefined): string[] {
  return value === null || value === undefined ? [] : [`--${name}=${value}`];
}
