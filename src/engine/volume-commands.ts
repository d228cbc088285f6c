import type { Filters } from "../base/filters.ts";
import type { VolumeCreate } from "../volume/create-volume.ts";
import type { VolumeUsers } from "../volume/volumes.ts";
import type { EngineParts } from "./engine-parts.ts";

/** What clients do with volumes, in the Engine API's documents. */
export class VolumeCommands {
  readonly #parts: EngineParts;

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  list(filters: Filters) {
    return { Volumes: this.#parts.volumes.list(filters, volumeUsers(this.#parts)), Warnings: null };
  }

  /** @throws not-found */
  inspect(name: string) {
    return this.#parts.volumes.inspect(name);
  }

  /** One that exists is returned as it is. @throws invalid for the name or options; not-found for the driver. */
  create(body: VolumeCreate) {
    const { volumes } = this.#parts;
    const existed = volumes.has(body.Name);
    const name = volumes.create({
      name: body.Name,
      driver: body.Driver,
      labels: body.Labels,
      options: body.DriverOpts,
    });
    if (!existed) emitVolumeEvent(this.#parts, "create", name);
    return volumes.inspect(name);
  }

  /** @param force makes a missing volume no error. @throws not-found; conflict where a container uses it. */
  remove(name: string, { force }: { force: boolean }): void {
    if (force && !this.#parts.volumes.has(name)) return;
    removeVolume(this.#parts, name);
  }

  async prune(filters: Filters): Promise<{ VolumesDeleted: string[] | null; SpaceReclaimed: number }> {
    const { names, bytes } = await this.#parts.volumes.prune(filters, volumeUsers(this.#parts));
    for (const name of names) emitVolumeEvent(this.#parts, "destroy", name);
    return { VolumesDeleted: names.length > 0 ? names : null, SpaceReclaimed: bytes };
  }
}

/** @throws not-found; conflict where a container uses it. */
export function removeVolume(parts: EngineParts, name: string): void {
  parts.volumes.remove(name, volumeUsers(parts).get(name) ?? []);
  emitVolumeEvent(parts, "destroy", name);
}

/** Which containers refer to each volume. */
export function volumeUsers(parts: EngineParts): VolumeUsers {
  const users = new Map<string, string[]>();
  for (const { id, mounts } of parts.containers.all()) {
    for (const { Type, Name } of mounts) {
      if (Type === "volume") users.set(Name, [...(users.get(Name) ?? []), id]);
    }
  }
  return users;
}

export function emitVolumeEvent(parts: EngineParts, action: "create" | "destroy", name: string): void {
  parts.events.emit("volume", action, name, { driver: "local" });
}
