import { commitDifference, snapshotDifference } from "../image/difference-layer.ts";
import type { ChainId } from "../image/digest.ts";
import type { Layer } from "../image/layer-record.ts";
import type { OverlayRoot } from "../snapshot/root-access.ts";
import type { ContainerRecord } from "./container-record.ts";
import { writtenRoot } from "./container-root.ts";
import type { EngineParts } from "./engine-parts.ts";

/** Against what a container's files are compared, and on what the difference is put. */
export interface LayerPlace {
  readonly earlier: ChainId | null;
  readonly onto: ChainId | null;
}

/** What a container has otherwise than some layers, as a layer; null if that is nothing. The container keeps its files. */
export async function writtenLayer(
  parts: EngineParts,
  record: ContainerRecord,
  { earlier, onto }: LayerPlace,
  signal?: AbortSignal,
): Promise<Layer | null> {
  // What overlayfs kept of the writes is the difference to what the container stands on.
  if (earlier === record.chainId && onto === record.chainId) {
    return parts.layers.commit(onto, record.snapshot, { keep: true, signal });
  }
  return commitDifference(
    parts.layers,
    parts.snapshotter,
    await differenceOf(parts, record, { earlier, onto }, signal),
  );
}

/** The same as a snapshot that can be written to. */
export async function writtenSnapshot(
  parts: EngineParts,
  record: ContainerRecord,
  place: LayerPlace,
  signal?: AbortSignal,
): Promise<number> {
  return snapshotDifference(parts.layers, parts.snapshotter, await differenceOf(parts, record, place, signal));
}

async function differenceOf(
  parts: EngineParts,
  record: ContainerRecord,
  { earlier, onto }: LayerPlace,
  signal?: AbortSignal,
) {
  const root = await parts.layers.root(earlier);
  return { earlier: root, later: await writtenRoot(parts, record), onto, signal };
}

/** What a rebase compares: what the container was made from, what it is, what it shall stand on. */
export async function rebaseRoots(
  parts: EngineParts,
  record: ContainerRecord,
  { earlier, onto }: LayerPlace,
): Promise<{ origin: OverlayRoot; ours: OverlayRoot; theirs: OverlayRoot }> {
  return {
    origin: await parts.layers.root(earlier),
    ours: await writtenRoot(parts, record),
    theirs: await parts.layers.root(onto),
  };
}

/** Layers stay while somebody works with them, whoever removes their image. */
export function holdChains(parts: EngineParts, ...tops: readonly (ChainId | null)[]): Disposable {
  return parts.layers.hold(tops.flatMap((top) => parts.layers.stack(top).map(({ chainId }) => chainId)));
}
