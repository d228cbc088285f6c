import type { Readable } from "node:stream";
import { z } from "zod";
import { runArchive, streamArchive } from "./archive-process.ts";
import { type OverlayRoot, type RootAccess, rootOption } from "./root-access.ts";

/**
 * What two roots have differently, by kind, owner, permissions, extended attributes and content. Times alone are no
 * difference to tell; `docker diff`, which goes by them, is {@link import("./archive.ts").changes}.
 */

const DifferenceSchema = z.object({
  path: z.string(),
  /** As `docker diff` counts: 0 changed, 1 added, 2 deleted. */
  kind: z.union([z.literal(0), z.literal(1), z.literal(2)]),
  /** stat(2)'s st_mode, with the file's type; of a deleted file what it was. */
  mode: z.int(),
  /** Bytes of the file; of a deleted directory those of all files that were in it. */
  before: z.int(),
  now: z.int(),
});
export type Difference = z.infer<typeof DifferenceSchema>;

/** In the order of a walk by name, a directory before what is in it; of a deleted directory only its own name. */
export function compareRoots(earlier: RootAccess, later: RootAccess, signal?: AbortSignal): Promise<Difference[]> {
  return runArchive({
    operation: "compare",
    options: [rootOption("old", earlier), rootOption("new", later)],
    result: z.array(DifferenceSchema),
    signal,
  });
}

/**
 * What one layer does to those below it: all files in it, and what it deletes. Directories only if they are new or not
 * what they were.
 * @param layer the layer's snapshot.
 */
export function layerDifference(below: OverlayRoot, layer: number, signal?: AbortSignal): Promise<Difference[]> {
  return runArchive({
    operation: "compare",
    options: [rootOption("old", below), `--upper=${below.snapshots}/${layer}/fs`],
    result: z.array(DifferenceSchema),
    signal,
  });
}

/**
 * The layer that makes `later` of `earlier`, files' times too, as an archive for `unpack`. It has no directories that are as they were:
 * give it to `unpack` with the layers below, which makes them so.
 */
export function differenceTar(earlier: RootAccess, later: RootAccess, signal?: AbortSignal): Readable {
  return streamArchive({
    operation: "difference",
    options: [rootOption("old", earlier), rootOption("new", later)],
    result: z.unknown(),
    signal,
  });
}
