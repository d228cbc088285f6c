import type { ContainerRecord } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";

/** Bytes of a container's own writable layer and of its whole root (image's layers included). */
export async function containerSizes(
  parts: EngineParts,
  record: ContainerRecord,
): Promise<{ SizeRw: number; SizeRootFs: number }> {
  const own = await parts.snapshotter.usage(record.snapshot);
  const image = record.chainId === null ? 0 : parts.layers.totalSize(record.chainId);
  return { SizeRw: own, SizeRootFs: own + image };
}
