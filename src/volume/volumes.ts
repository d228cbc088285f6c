import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { errnoOf, fail } from "../base/errors.ts";
import type { Filters } from "../base/filters.ts";
import { newId } from "../base/ids.ts";
import type { Store } from "../store/database.ts";
import {
  assertLocalDriver,
  bindsDirectory,
  parseDriverOptions,
  parseVolumeName,
  type VolumeCreate,
  type VolumeFilesystem,
} from "./create-volume.ts";
import {
  ANONYMOUS_LABEL,
  isAnonymous,
  isUsed,
  listFilter,
  pruneFilter,
  type VolumeDocument,
  type VolumeUsers,
  volumeDocument,
} from "./volume-documents.ts";
import { type VolumeRecord, VolumeStore } from "./volume-store.ts";

/** What volumes need of others to deal with directories. */
export interface VolumeFiles {
  /** Moves a directory out of its place, atomically; one that is not there is no error. */
  discard(path: string): void;
  /** Bytes of all files below a directory. */
  usage(path: string): Promise<number>;
}

const NO_USERS: VolumeUsers = new Map();

/**
 * The local driver's volumes: a record, and a directory `<name>/_data`. The record comes before the directory and goes
 * after it, so that whatever moment an engine dies in, the next one knows what to finish; a directory without a record is
 * never touched.
 */
export class Volumes {
  readonly #records: VolumeStore;
  /** How many are about to refer to a volume that has no container's record behind it yet. */
  readonly #held = new Map<string, number>();

  private constructor(
    store: Store,
    private readonly directory: string,
    private readonly files: VolumeFiles,
  ) {
    this.#records = new VolumeStore(store);
  }

  /** Opens the volumes below a directory, and finishes what an engine that was killed had begun. */
  static open(store: Store, directory: string, files: VolumeFiles): Volumes {
    mkdirSync(directory, { recursive: true, mode: 0o701 });
    const volumes = new Volumes(store, directory, files);
    for (const name of volumes.#records.leaving()) volumes.#finishRemoval(name);
    for (const { name } of volumes.#records.all()) volumes.#makeDirectory(name);
    return volumes;
  }

  /**
   * Makes a volume; one of that name that exists is returned as it is, as Docker does. An empty name makes an anonymous one.
   * @throws invalid `INVALID_VOLUME_NAME`, `INVALID_VOLUME_OPTION`; not-found `VOLUME_DRIVER`
   */
  create(request: VolumeCreate): VolumeDocument {
    return this.#document(this.#ensure(request, request.Name === ""));
  }

  /**
   * Makes a volume that a container's mount point names, if it is not there.
   * @returns whether it was made now, and so has to go again if the container is not created.
   */
  ensure(point: {
    readonly Name: string;
    readonly Driver: string;
    readonly anonymous: boolean;
    readonly labels: Readonly<Record<string, string>>;
    readonly driverOptions: Readonly<Record<string, string>>;
  }): { readonly made: boolean } {
    if (this.#records.find(point.Name)) {
      assertLocalDriver(point.Name, point.Driver);
      return { made: false };
    }
    const { Name, Driver, labels: Labels, driverOptions: DriverOpts } = point;
    this.#ensure({ Name, Driver, Labels: { ...Labels }, DriverOpts: { ...DriverOpts } }, point.anonymous);
    return { made: true };
  }

  has(name: string): boolean {
    return this.#records.find(name) !== undefined;
  }

  /** @throws not-found `VOLUME_NOT_FOUND` */
  inspect(name: string): VolumeDocument {
    return this.#document(this.#records.get(name));
  }

  /** The body of `GET /volumes`. @throws invalid `INVALID_FILTER` */
  list(filters: Filters, users: VolumeUsers): { readonly Volumes: VolumeDocument[]; readonly Warnings: null } {
    const volumes = this.#records.all().filter(listFilter(filters, users));
    return { Volumes: volumes.map((volume) => this.#document(volume)), Warnings: null };
  }

  /** For `GET /system/df`: each volume with its size in bytes and the number of its users. */
  async listWithUsage(users: VolumeUsers) {
    const documents = [];
    for (const volume of this.#records.all()) {
      const Size = await this.files.usage(this.path(volume.name));
      documents.push({
        ...this.#document(volume),
        UsageData: { RefCount: users.get(volume.name)?.length ?? 0, Size },
      });
    }
    return documents;
  }

  /**
   * Removes a volume with its files. `force` makes a missing one no error; one that is in use stays also then.
   * @throws not-found `VOLUME_NOT_FOUND`; conflict `VOLUME_IN_USE`
   */
  remove(name: string, { force }: { readonly force: boolean }, users: VolumeUsers = NO_USERS): void {
    if (force && !this.has(name)) return;
    this.#records.get(name);
    const ids = users.get(name) ?? [];
    if (ids.length > 0 || this.#held.has(name)) {
      fail("conflict", "VOLUME_IN_USE", `remove ${name}: volume is in use - [${ids.join(", ")}]`);
    }
    this.#records.markLeaving(name);
    this.#finishRemoval(name);
  }

  /** Removes the unused volumes that the filters choose. @throws invalid `INVALID_FILTER` */
  async prune(filters: Filters, users: () => VolumeUsers) {
    const VolumesDeleted: string[] = [];
    let SpaceReclaimed = 0;
    for (const volume of this.#records.all().filter(pruneFilter(filters))) {
      if (isUsed(volume.name, users())) continue;
      const size = await this.files.usage(this.path(volume.name));
      // While the size was added up, a container may have come to use it, or somebody removed it.
      if (isUsed(volume.name, users()) || this.#held.has(volume.name) || !this.has(volume.name)) continue;
      this.remove(volume.name, { force: true });
      VolumesDeleted.push(volume.name);
      SpaceReclaimed += size;
    }
    return { VolumesDeleted, SpaceReclaimed };
  }

  /** Keeps a volume from removal until disposed, for the time in which a container is created that refers to it. */
  hold(name: string): Disposable {
    this.#held.set(name, (this.#held.get(name) ?? 0) + 1);
    return {
      [Symbol.dispose]: () => {
        const left = (this.#held.get(name) ?? 1) - 1;
        if (left > 0) this.#held.set(name, left);
        else this.#held.delete(name);
      },
    };
  }

  /** Where the volume's files are, or would be. @throws invalid `INVALID_VOLUME_NAME` */
  path(name: string): string {
    return join(this.directory, parseVolumeName(name), "_data");
  }

  /**
   * What to mount, inside the container's mount namespace alone, where the volume's options name a file system; undefined
   * for an ordinary volume, whose directory is bound. @throws not-found `VOLUME_NOT_FOUND`
   */
  filesystem(name: string): VolumeFilesystem | undefined {
    return parseDriverOptions(name, this.#records.get(name).options);
  }

  /** Nobody named it; false where it is missing. */
  isAnonymous(name: string): boolean {
    const volume = this.#records.find(name);
    return volume !== undefined && isAnonymous(volume);
  }

  /**
   * Where a volume that has no files yet keeps them, to get what the image has at its first use; undefined where there are
   * files, or where they are in a file system that only containers mount.
   */
  emptyDirectory(name: string): string | undefined {
    const filesystem = this.filesystem(name);
    if (filesystem && !bindsDirectory(filesystem)) return undefined;
    const directory = filesystem?.device ?? this.path(name);
    return isEmptyDirectory(directory) ? directory : undefined;
  }

  #ensure(request: VolumeCreate, anonymous: boolean): VolumeRecord {
    const name = request.Name === "" ? newId() : parseVolumeName(request.Name);
    assertLocalDriver(name, request.Driver);
    if (request.ClusterVolumeSpec) {
      fail(
        "not-implemented",
        "CLUSTER_VOLUME",
        `create ${name}: cluster volumes are not supported: leave the spec out`,
      );
    }
    parseDriverOptions(name, request.DriverOpts);
    const existing = this.#records.find(name);
    if (existing) return existing;
    const volume = {
      name,
      created: new Date().toISOString().replace(/\.\d+/, ""),
      labels: anonymous ? { ...request.Labels, [ANONYMOUS_LABEL]: "" } : request.Labels,
      options: request.DriverOpts,
    };
    this.#records.insert(volume);
    try {
      this.#makeDirectory(name);
    } catch (error) {
      this.#records.delete(name);
      throw error;
    }
    return volume;
  }

  /** The outer directory lets nobody on the host list it; `_data` is a container's, which may give it another mode. */
  #makeDirectory(name: string): void {
    mkdirSync(join(this.directory, name), { recursive: true, mode: 0o701 });
    try {
      mkdirSync(this.path(name), { mode: 0o755 });
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
    }
  }

  #finishRemoval(name: string): void {
    this.files.discard(join(this.directory, name));
    this.#records.delete(name);
  }

  #document(volume: VolumeRecord): VolumeDocument {
    return volumeDocument(volume, this.path(volume.name));
  }
}

/** False too where it is missing: then the mount says so, which knows the words for it. */
function isEmptyDirectory(path: string): boolean {
  try {
    return readdirSync(path).length === 0;
  } catch {
    return false;
  }
}
