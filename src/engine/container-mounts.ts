import { mkdirSync } from "node:fs";
import { errnoOf, fail } from "../base/errors.ts";
import type { ChainId } from "../image/digest.ts";
import { requirePropagation } from "../runtime/mount-propagation.ts";
import { type ContainerMount, PROPAGATIONS, type Propagation } from "../runtime/mounts.ts";
import { tmpfsOptionText } from "../runtime/tmpfs-options.ts";
import { copyTree, statPath } from "../snapshot/archive.ts";
import type { BindPoint, MountPoint, TmpfsPoint, VolumePoint } from "../volume/mount-point.ts";
import { resolveMountPoints } from "../volume/mount-points.ts";
import type { ContainerConfig, HostConfig } from "./container-config.ts";
import type { EngineParts } from "./engine-parts.ts";
import { emitVolumeEvent, removeVolume } from "./volume-commands.ts";

/** What a container's creation does and takes back. */
export interface CreationScope {
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
  return points;
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
  if (point.copy && chainId !== null && parts.volumes.isEmpty(name)) await fillFromImage(parts, point, chainId);
}

/** A new volume begins as what the image has at its place: the files, and the directory's own owner and mode. */
async function fillFromImage(parts: EngineParts, point: VolumePoint, chainId: ChainId): Promise<void> {
  const image = parts.snapshotter.root(null, await parts.layers.lower(chainId));
  try {
    await statPath(image, point.Destination);
  } catch (error) {
    if (errnoOf(error) === "ARCHIVE_ENOENT" || errnoOf(error) === "ARCHIVE_ENOTDIR") return;
    throw error;
  }
  await copyTree(image, { kind: "directory", path: point.Source }, [{ from: point.Destination, to: "/" }], {
    owner: null,
    mode: null,
    takeAttributes: true,
  });
}

/**
 * Mount points in the words of the runtime. Sources of `-v` that are missing on the host are made, as Docker does.
 * @throws invalid for a source that is missing, or whose own mount does not propagate as asked.
 */
export function runtimeMounts(parts: EngineParts, points: readonly MountPoint[]): Promise<ContainerMount[]> {
  return Promise.all(points.map((point) => runtimeMount(parts, point)));
}

async function runtimeMount(parts: EngineParts, point: MountPoint): Promise<ContainerMount> {
  switch (point.Type) {
    case "tmpfs":
      return { kind: "tmpfs", target: point.Destination, options: tmpfsOptions(point) };
    case "volume":
      return volumeMount(parts, point);
    case "bind": {
      prepareSource(point);
      const propagation = parsePropagation(point.Propagation);
      if (propagation !== null) await requirePropagation(point.Source, propagation);
      const { nonRecursive, readonlyNonRecursive } = point;
      return bind(point, { propagation, nonRecursive, readonlyNonRecursive });
    }
    default:
      return point satisfies never;
  }
}

function tmpfsOptions({ RW, sizeBytes, permissions, options }: TmpfsPoint): string {
  return tmpfsOptionText({ readonly: !RW, sizeBytes, mode: permissions, options });
}

/** A volume with a file system of its own has it mounted in the container alone, never on the host. */
function volumeMount(parts: EngineParts, point: VolumePoint): ContainerMount {
  const filesystem = parts.volumes.filesystem(point.Name);
  if (filesystem === undefined) return bind(point, { propagation: null });
  const { type, device, options } = filesystem;
  if (type === "tmpfs") return { kind: "tmpfs", target: point.Destination, options: options.join(",") };
  if (options.includes("bind") || options.includes("rbind")) {
    return bind({ ...point, Source: device }, { propagation: null, nonRecursive: !options.includes("rbind") });
  }
  return fail(
    "not-implemented",
    "VOLUME_FILESYSTEM",
    `volume ${point.Name}: file systems of type ${type} are not mounted: mount ${device} on the host and bind it`,
  );
}

function parsePropagation(text: string): Propagation | null {
  return PROPAGATIONS.find((propagation) => propagation === text) ?? null;
}

interface BindDetails {
  readonly propagation: Propagation | null;
  readonly nonRecursive?: boolean;
  readonly readonlyNonRecursive?: boolean;
}

function bind(point: MountPoint, details: BindDetails): ContainerMount {
  return { kind: "bind", source: point.Source, target: point.Destination, readonly: !point.RW, ...details };
}

function prepareSource({ Source: source, createSource }: BindPoint): void {
  if (!createSource) return;
  try {
    mkdirSync(source, { recursive: true, mode: 0o755 });
  } catch (error) {
    // A file is as good a source as a directory.
    if (errnoOf(error) === "EEXIST") return;
    fail("invalid", "BIND_SOURCE", `error while creating mount source path '${source}': ${errnoOf(error)}`, {
      cause: error,
    });
  }
}
