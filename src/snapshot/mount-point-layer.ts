import { chmodSync, chownSync, lstatSync, mkdirSync, type Stats, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { errnoOf } from "../base/errors.ts";
import type { Store } from "../store/database.ts";
import type { Snapshotter } from "./snapshotter.ts";

/** What every container gets mounted or has to find, and what it has to be for that. Parents come first. */
const MOUNT_POINTS: readonly { readonly path: string; readonly kind: "directory" | "file" }[] = [
  { path: "dev", kind: "directory" },
  { path: "proc", kind: "directory" },
  { path: "sys", kind: "directory" },
  { path: "etc", kind: "directory" },
  { path: "etc/hosts", kind: "file" },
  { path: "etc/hostname", kind: "file" },
  { path: "etc/resolv.conf", kind: "file" },
  // By this file programs tell that they run in a container.
  { path: ".dockerenv", kind: "file" },
];

const OWNER_PREFIX = "mount-points:";

/**
 * Layers between an image and a container's own that hold the mount points which the image lacks, so that they are neither
 * in `diff` nor in a commit. Images that lack the same share one; most lack nothing but two files.
 */
export class MountPointLayers {
  readonly #keys = new Map<string, number>();

  constructor(
    store: Store,
    private readonly snapshotter: Snapshotter,
  ) {
    const rows = store.db
      .query<{ key: number; owner: string }, []>("SELECT key, owner FROM snapshot WHERE owner LIKE 'mount-points:%'")
      .all();
    for (const { key, owner } of rows) this.#keys.set(owner, key);
  }

  /** Whether a snapshot's owner is one of these, which stay for the next start. */
  static owns(owner: string): boolean {
    return owner.startsWith(OWNER_PREFIX);
  }

  /** @param lower an image's snapshots, top first. @returns them with the mount points on top, where any were missing. */
  stackOn(lower: readonly number[]): readonly number[] {
    const missing = this.#missingFrom(lower);
    if (missing.length === 0) return lower;
    const owner = OWNER_PREFIX + missing.map(describe).join(",");
    const key = this.#keys.get(owner) ?? this.#make(owner, missing);
    return [key, ...lower];
  }

  /** Missing mount points, with the directories above them as the image has them, for an upper directory's attributes win. */
  #missingFrom(lower: readonly number[]): MissingPoint[] {
    const missing: MissingPoint[] = [];
    for (const { path, kind } of MOUNT_POINTS) {
      const found = findInLayers(this.snapshotter, lower, path);
      if (found !== null) continue;
      const parent = dirname(path);
      const above = parent === "." ? null : findInLayers(this.snapshotter, lower, parent);
      // A parent that is a link leads elsewhere: the mount point is then made where it leads, in the container's own layer.
      if (above !== null && !above.isDirectory()) continue;
      if (above !== null && !missing.some((point) => point.path === parent)) {
        missing.push({ path: parent, kind: "directory", mode: above.mode & 0o7777, uid: above.uid, gid: above.gid });
      }
      missing.push({ path, kind, mode: 0o755, uid: 0, gid: 0 });
    }
    return missing;
  }

  #make(owner: string, points: readonly MissingPoint[]): number {
    const key = makeMountPoints(this.snapshotter, owner, points);
    this.#keys.set(owner, key);
    return key;
  }
}

/** A place to mount upon that an image lacks, and what it has to be. Parents come first. */
export interface MissingPoint {
  readonly path: string;
  readonly kind: "directory" | "file";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

function describe({ path, kind, mode, uid, gid }: MissingPoint): string {
  return `${path}:${kind}:${mode.toString(8)}:${uid}:${gid}`;
}

/** The topmost entry of a path; null where there is none, or a whiteout. */
export function findInLayers(snapshotter: Snapshotter, lower: readonly number[], path: string): Stats | null {
  for (const key of lower) {
    try {
      const stats = lstatSync(join(snapshotter.upper(key), path));
      return stats.isCharacterDevice() && stats.rdev === 0 ? null : stats;
    } catch (error) {
      if (errnoOf(error) !== "ENOENT" && errnoOf(error) !== "ENOTDIR") throw error;
    }
  }
  return null;
}

/** A snapshot with these places, to be stacked on top of the layers that lack them. */
export function makeMountPoints(snapshotter: Snapshotter, owner: string, points: readonly MissingPoint[]): number {
  const key = snapshotter.prepare(owner, null);
  try {
    for (const { path, kind, mode, uid, gid } of points) {
      const target = join(snapshotter.upper(key), path);
      if (kind === "directory") mkdirSync(target);
      else writeFileSync(target, "");
      chmodSync(target, mode);
      chownSync(target, uid, gid);
    }
    return key;
  } catch (error) {
    snapshotter.remove(key);
    throw error;
  }
}
