import { errnoOf } from "../base/errors.ts";
import type { ChainId } from "../image/digest.ts";
import { copyTree, statPath } from "../snapshot/archive.ts";
import type { ImagePoint, MountPoint, VolumePoint } from "../volume/mount-point.ts";
import { resolveMountPoints } from "../volume/mount-points.ts";
import type { ContainerConfig, HostConfig } from "./container-config.ts";
import type { EngineParts } from "./engine-parts.ts";
import { emitVolumeEvent, removeVolume } from "./volume-commands.ts";

/** What a container's creation does and takes back. */
export interface CreationScope {
  /** The container's id. */
  readonly owner: string;
  /** Gets what undoes each thing made, for the case that the creation fails. */
  readonly undo: AsyncDisposableStack;
  /** Gets what keeps volumes from removal until the container's record refers to them. */
  readonly holds: DisposableStack;
}

/**
 * Resolves what a new container mounts and makes the volumes that are missing, filled from the image where they are empty.
 * @throws invalid in Docker's words.
 */
export async function createMountPoints(
  parts: EngineParts,
  config: ContainerConfig,
  hostConfig: HostConfig,
  chainId: ChainId | null,
  scope: CreationScope,
): Promise<readonly MountPoint[]> {
  const points = resolveMountPoints(
    { ...hostConfig, Volumes: config.Volumes },
    {
      volumePath: (name) => parts.volumes.path(name),
      mountPointsOf: (container) => parts.containers.resolve(container).mounts,
    },
  );
  for (const point of points) {
    if (point.Type === "volume") await createVolume(parts, point, chainId, scope);
  }
  return points.map((point) => (point.Type === "image" ? holdImage(parts, point, scope) : point));
}

/** The container keeps the image's layers by a snapshot upon them, whatever becomes of the image. @throws not-found */
function holdImage(parts: EngineParts, point: ImagePoint, { owner, undo }: CreationScope): ImagePoint {
  const { id, chainId } = parts.images.resolve(point.Source || point.Name);
  const snapshot = parts.snapshotter.prepare(owner, chainId);
  undo.defer(() => parts.snapshotter.remove(snapshot));
  return { ...point, Source: id, chainId, snapshot };
}

async function createVolume(
  parts: EngineParts,
  point: VolumePoint,
  chainId: ChainId | null,
  { undo, holds }: CreationScope,
): Promise<void> {
  const { Name: name } = point;
  holds.use(parts.volumes.hold(name));
  if (parts.volumes.ensure(point).made) {
    undo.defer(() => removeVolume(parts, name));
    emitVolumeEvent(parts, "create", name);
  }
  if (!point.copy || point.subpath !== "" || chainId === null) return;
  const directory = parts.volumes.emptyDirectory(name);
  if (directory !== undefined) await fillFromImage(parts, point, chainId, directory);
}

/** A new volume begins as what the image has at its place: the files, and the directory's own owner and mode. */
async function fillFromImage(
  parts: EngineParts,
  point: VolumePoint,
  chainId: ChainId,
  directory: string,
): Promise<void> {
  const image = parts.snapshotter.root(null, await parts.layers.lower(chainId));
  try {
    await statPath(image, point.Destination);
  } catch (error) {
    if (errnoOf(error) === "ARCHIVE_ENOENT" || errnoOf(error) === "ARCHIVE_ENOTDIR") return;
    throw error;
  }
  await copyTree(image, { kind: "directory", path: directory }, [{ from: point.Destination, to: "/" }], {
    owner: null,
    mode: null,
    takeAttributes: true,
  });
}
