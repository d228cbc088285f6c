import type { OverlayRoot, RootAccess, RootMount } from "../snapshot/root-access.ts";
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

/** What the container sees, with its volumes and binds; one that does not run has nothing else mounted. */
export async function rootOf(parts: EngineParts, record: ContainerRecord): Promise<RootAccess> {
  if (record.state.status === "running") return { kind: "live", pid: record.state.pid };
  return { ...(await overlayOf(parts, record)), mounts: mountsOf(parts, record) };
}

/** Outer ones first. A volume on a file system of its own is nowhere while the container does not run. */
function mountsOf(parts: EngineParts, { mounts }: ContainerRecord): RootMount[] {
  return mounts
    .filter(({ Type, Name }) => Type === "bind" || (Type === "volume" && parts.volumes.filesystem(Name) === undefined))
    .map((point) => ({
      source: point.Source,
      subpath: point.Type === "volume" ? point.subpath : "",
      target: point.Destination,
      readonly: !point.RW,
    }))
    .sort((one, other) => one.target.length - other.target.length);
}
