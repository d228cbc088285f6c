import type { OverlayRoot, RootAccess } from "../snapshot/root-access.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";

/** A container's own files: its image's layers and what it wrote, without anything mounted. */
export async function overlayOf(parts: EngineParts, record: ContainerRecord): Promise<OverlayRoot> {
  const lower = parts.mountPoints.stackOn(await parts.layers.lower(record.chainId));
  return parts.snapshotter.root(record.snapshot, lower);
}

/** The same without what the engine puts into each container's root: what a commit makes an image of. */
export async function writtenRoot(parts: EngineParts, record: ContainerRecord): Promise<OverlayRoot> {
  return parts.snapshotter.root(record.snapshot, await parts.layers.lower(record.chainId));
}

/** What the container sees: while it runs with its volumes, else its own files. */
export async function rootOf(parts: EngineParts, record: ContainerRecord): Promise<RootAccess> {
  return record.state.status === "running" ? { kind: "live", pid: record.state.pid } : overlayOf(parts, record);
}
