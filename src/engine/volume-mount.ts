import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { fail, messageOf } from "../base/errors.ts";
import type { ContainerMount } from "../runtime/mounts.ts";
import { bindsDirectory, type VolumeFilesystem } from "../volume/create-volume.ts";
import type { VolumePoint } from "../volume/mount-point.ts";
import type { EngineParts } from "./engine-parts.ts";

/**
 * A volume as a mount. One with a file system of its own has it mounted in containers alone, never on the host.
 * @throws invalid where the address of its server cannot be found.
 */
export async function volumeMount(parts: EngineParts, point: VolumePoint): Promise<ContainerMount> {
  const { Destination: target, subpath } = point;
  const place = { target, readonly: !point.RW, subpath };
  const filesystem = parts.volumes.filesystem(point.Name);
  if (filesystem === undefined) return { kind: "bind", source: point.Source, ...place, propagation: null };
  const { type, device, options } = filesystem;
  if (bindsDirectory(filesystem)) {
    return { kind: "bind", source: device, ...place, propagation: null, nonRecursive: !options.includes("rbind") };
  }
  const shared = type === "tmpfs" ? mountedElsewhere(parts, point.Name) : undefined;
  if (shared !== undefined) return { kind: "bind", source: shared, ...place, propagation: null };
  return { kind: "filesystem", type, source: device, options: await withAddress(filesystem), ...place };
}

/** A tmpfs is one for all containers that run at the same time, as Docker's is: the next one gets it from the first. */
function mountedElsewhere(parts: EngineParts, volume: string): string | undefined {
  for (const { state, mounts } of parts.containers.all()) {
    if (state.status !== "running") continue;
    const mount = mounts.find((point) => point.Type === "volume" && point.Name === volume && !point.subpath);
    if (mount) return `/proc/${state.pid}/root${mount.Destination}`;
  }
  return undefined;
}

/** The kernel's nfs and cifs want their server's address as a number. */
async function withAddress({ type, options }: VolumeFilesystem): Promise<readonly string[]> {
  if (!type.startsWith("nfs") && type !== "cifs") return options;
  return Promise.all(
    options.map(async (option) => {
      const host = /^addr=(.+)$/.exec(option)?.[1];
      return host === undefined || isIP(host) ? option : `addr=${await addressOf(host)}`;
    }),
  );
}

async function addressOf(host: string): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch (error) {
    return fail(
      "invalid",
      "VOLUME_ADDRESS",
      `error resolving passed in network volume address: lookup ${host}: ${messageOf(error)}`,
      { cause: error },
    );
  }
}
