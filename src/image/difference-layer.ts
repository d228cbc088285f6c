import { unpack } from "../snapshot/archive.ts";
import { differenceTar } from "../snapshot/difference.ts";
import type { OverlayRoot } from "../snapshot/root-access.ts";
import type { Snapshotter } from "../snapshot/snapshotter.ts";
import type { ChainId } from "./digest.ts";
import type { Layer } from "./layer-record.ts";
import type { LayerStore } from "./layer-store.ts";

export interface DifferenceRequest {
  readonly earlier: OverlayRoot;
  readonly later: OverlayRoot;
  /** What the difference is put on: it need not be `earlier`. null for nothing. */
  readonly onto: ChainId | null;
  readonly signal?: AbortSignal;
}

/** Makes a layer of what one root has otherwise than another; null if that is nothing. */
export async function commitDifference(
  layers: LayerStore,
  snapshotter: Snapshotter,
  request: DifferenceRequest,
): Promise<Layer | null> {
  const key = await snapshotDifference(layers, snapshotter, request);
  let taken = false;
  try {
    const layer = await layers.commit(request.onto, key, { keep: false, signal: request.signal });
    taken = true;
    return layer;
  } finally {
    if (!taken) snapshotter.remove(key);
  }
}

/** The same as a snapshot that can be written to; the caller says whose it is (Snapshotter.assign), or removes it. */
export async function snapshotDifference(
  layers: LayerStore,
  snapshotter: Snapshotter,
  { earlier, later, onto, signal }: DifferenceRequest,
): Promise<number> {
  const key = snapshotter.prepare("difference", onto);
  let isDone = false;
  try {
    const lower = (await layers.lower(onto)).map((below) => snapshotter.upper(below));
    await unpack(differenceTar(earlier, later, signal), snapshotter.upper(key), { blob: null, lower, signal });
    isDone = true;
    return key;
  } finally {
    if (!isDone) snapshotter.remove(key);
  }
}
