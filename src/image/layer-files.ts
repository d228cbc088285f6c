import { compareRoots, type Difference, layerDifference } from "../snapshot/difference.ts";
import type { RootAccess } from "../snapshot/root-access.ts";
import type { ChainId } from "./digest.ts";
import type { LayerStore } from "./layer-store.ts";

/** What happened to one file, in the shape in which Lighter's API tells it. Sizes in bytes. */
export interface FileChange {
  readonly Path: string;
  /** As in `docker diff`: 0 changed, 1 added, 2 deleted. */
  readonly Kind: 0 | 1 | 2;
  readonly Type: FileType;
  /** 0 for one that was not there; for a deleted directory, of all files in it. */
  readonly SizeBefore: number;
  readonly Size: number;
}

export type FileType = "file" | "directory" | "symlink" | "device" | "pipe" | "other";

/** The layer's own files, and what it deletes of those below. Unpacks it if nothing ran on it yet. */
export async function layerFiles(layers: LayerStore, chainId: ChainId, signal?: AbortSignal): Promise<FileChange[]> {
  const root = await layers.root(chainId);
  const [own, ...below] = root.lower;
  return own === undefined ? [] : (await layerDifference({ ...root, lower: below }, own, signal)).map(describe);
}

/** What `later` has otherwise than `earlier`. */
export async function fileChanges(earlier: RootAccess, later: RootAccess, signal?: AbortSignal): Promise<FileChange[]> {
  return (await compareRoots(earlier, later, signal)).map(describe);
}

function describe({ path, kind, mode, before, now }: Difference): FileChange {
  return { Path: path, Kind: kind, Type: typeOf(mode), SizeBefore: before, Size: now };
}

/** From the type bits of stat(2)'s st_mode (inode(7)). */
function typeOf(mode: number): FileType {
  switch (mode & 0o170000) {
    case 0o100000:
      return "file";
    case 0o040000:
      return "directory";
    case 0o120000:
      return "symlink";
    case 0o020000:
    case 0o060000:
      return "device";
    case 0o010000:
      return "pipe";
    default:
      return "other";
  }
}

/** How many files of each kind, directories left out. */
export interface ChangeCounts {
  readonly Added: number;
  readonly Changed: number;
  readonly Deleted: number;
}

export function countChanges(files: readonly FileChange[]): ChangeCounts {
  // A deleted directory is told by its own name alone, and counts as the one thing that it was.
  const counted = files.filter(({ Type, Kind }) => Type !== "directory" || Kind === 2);
  const count = (kind: number) => counted.filter(({ Kind }) => Kind === kind).length;
  return { Added: count(1), Changed: count(0), Deleted: count(2) };
}
