import { readlinkSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { findInLayers, type MissingPoint } from "./mount-point-layer.ts";
import type { Snapshotter } from "./snapshotter.ts";

/** Somewhere to mount, absolute, and what will be mounted there. */
export interface WantedPoint {
  readonly path: string;
  readonly kind: "directory" | "file";
}

const MAX_LINKS = 40;

/**
 * What an image lacks for mounts at these places: the places themselves and the directories above them. Directories that
 * are there come along with their own attributes, for in an overlay the topmost ones win.
 * @param lower the image's snapshots, top first.
 */
export function planMountPoints(
  snapshotter: Snapshotter,
  lower: readonly number[],
  wanted: readonly WantedPoint[],
): MissingPoint[] {
  const planned = new Map<string, MissingPoint>();
  for (const point of wanted) {
    for (const missing of missingFor(snapshotter, lower, point)) {
      if (!planned.has(missing.path)) planned.set(missing.path, missing);
    }
  }
  return [...planned.values()];
}

function missingFor(snapshotter: Snapshotter, lower: readonly number[], { path, kind }: WantedPoint): MissingPoint[] {
  const points: MissingPoint[] = [];
  const ahead = posix.normalize(path).split("/").filter(Boolean).reverse();
  let place = "";
  let links = 0;
  let isMissing = false;
  for (let name = ahead.pop(); name !== undefined; name = ahead.pop()) {
    if (name === "..") {
      place = parentOf(place);
      continue;
    }
    const next = place === "" ? name : `${place}/${name}`;
    const found = isMissing ? null : findInLayers(snapshotter, lower, next);
    if (found?.isSymbolicLink()) {
      if (++links > MAX_LINKS) return [];
      const target = readLink(snapshotter, lower, next);
      if (target.startsWith("/")) place = "";
      ahead.push(
        ...target
          .split("/")
          .filter((part) => part !== "" && part !== ".")
          .reverse(),
      );
      continue;
    }
    place = next;
    if (found === null) {
      isMissing = true;
      points.push({ path: place, kind: ahead.length ? "directory" : kind, mode: 0o755, uid: 0, gid: 0 });
    } else if (found.isDirectory()) {
      points.push({ path: place, kind: "directory", mode: found.mode & 0o7777, uid: found.uid, gid: found.gid });
    } else if (ahead.length) return []; // A file in the way: whoever mounts there gets to know.
  }
  return isMissing ? points : [];
}

function parentOf(place: string): string {
  const parent = dirname(place);
  return parent === "." ? "" : parent;
}

function readLink(snapshotter: Snapshotter, lower: readonly number[], path: string): string {
  for (const key of lower) {
    try {
      return readlinkSync(join(snapshotter.upper(key), path));
    } catch {
      // Not in this layer.
    }
  }
  return "";
}
