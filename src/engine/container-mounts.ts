import { mkdirSync } from "node:fs";
import { errnoOf, fail } from "../base/errors.ts";
import { parseChainId } from "../image/digest.ts";
import { requirePropagation } from "../runtime/mount-propagation.ts";
import { type ContainerMount, layersMount, PROPAGATIONS, type Propagation } from "../runtime/mounts.ts";
import { tmpfsOptionText } from "../runtime/tmpfs-options.ts";
import type { BindPoint, ImagePoint, MountPoint, TmpfsPoint } from "../volume/mount-point.ts";
import type { EngineParts } from "./engine-parts.ts";
import { volumeMount } from "./volume-mount.ts";

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
    case "image":
      return imageMount(parts, point);
    case "bind": {
      prepareSource(point);
      const propagation = parsePropagation(point.Propagation);
      if (propagation !== null) await requirePropagation(point.Source, propagation);
      const { Source: source, Destination: target, RW, nonRecursive, readonlyNonRecursive } = point;
      return { kind: "bind", source, target, readonly: !RW, propagation, nonRecursive, readonlyNonRecursive };
    }
    default:
      return point satisfies never;
  }
}

function tmpfsOptions({ RW, sizeBytes, permissions, options }: TmpfsPoint): string {
  return tmpfsOptionText({ readonly: !RW, sizeBytes, mode: permissions, options });
}

async function imageMount(parts: EngineParts, point: ImagePoint): Promise<ContainerMount> {
  const lower = await parts.layers.lower(point.chainId === null ? null : parseChainId(point.chainId));
  const directories = lower.map((key) => `${key}/fs`);
  const place = { target: point.Destination, subpath: point.subpath };
  return layersMount(parts.snapshotter.directory, directories, place, parts.host.kernel);
}

function parsePropagation(text: string): Propagation | null {
  return PROPAGATIONS.find((propagation) => propagation === text) ?? null;
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
