import type { Filters } from "../base/filters.ts";
import type { VolumeCreate } from "../volume/create-volume.ts";
import type { VolumeUsers } from "../volume/volume-documents.ts";
import type { EngineParts } from "./engine-parts.ts";

/** What clients do with volumes, in the Engine API's documents. */
export class VolumeCommands {
  readonly #parts: EngineParts;

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  list(filters: Filters) {
    return this.#parts.volumes.list(filters, volumeUsers(this.#parts));
  }

  /** @throws not-found */
  inspect(name: string) {
    return this.#parts.volumes.inspect(name);
  }

  /** One that exists is returned as it is. @throws invalid for the name or options; not-found for the driver. */
  create(body: VolumeCreate) {
    const existed = body.Name !== "" && this.#parts.volumes.has(body.Name);
    const volume = this.#parts.volumes.create(body);
    if (!existed) emitVolumeEvent(this.#parts, "create", volume.Name);
    return volume;
  }

  /** @param options.force makes a missing volume no error. @throws not-found; conflict where a container uses it. */
  remove(name: string, options: { force: boolean }): void {
    if (options.force && !this.#parts.volumes.has(name)) return;
    removeVolume(this.#parts, name);
  }

  async prune(filters: Filters): Promise<{ VolumesDeleted: string[] | null; SpaceReclaimed: number }> {
    const { VolumesDeleted, SpaceReclaimed } = await this.#parts.volumes.prune(filters, () => volumeUsers(this.#parts));
    for (const name of VolumesDeleted) emitVolumeEvent(this.#parts, "destroy", name);
    return { VolumesDeleted: VolumesDeleted.length > 0 ? VolumesDeleted : null, SpaceReclaimed };
  }
}

/** @throws not-found; conflict where a container uses it. */
export function removeVolume(parts: EngineParts, name: string): void {
  parts.volumes.remove(name, { force: false }, volumeUsers(parts));
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
