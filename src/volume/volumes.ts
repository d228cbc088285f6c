import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { errnoOf, fail } from "../base/errors.ts";
import { assertKnownFilters, booleanFilter, type Filters, matchesAny, matchesLabels } from "../base/filters.ts";
import { newId } from "../base/ids.ts";
import { timestampNow } from "../base/timestamp.ts";
import { usage } from "../snapshot/archive.ts";
import type { Trash } from "../snapshot/trash.ts";
import type { Store } from "../store/database.ts";
import { assertLocalDriver, parseDriverOptions, parseVolumeName, type VolumeFilesystem } from "./create-volume.ts";

/** A volume as the store keeps it. */
interface VolumeRecord {
  readonly name: string;
  readonly created: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
  /** Nobody named it. */
  readonly anonymous: boolean;
}

export interface NewVolume {
  /** "" makes an anonymous one. */
  readonly name: string;
  readonly driver: string;
  readonly labels: Readonly<Record<string, string>>;
  /** `type`, `device` and `o` of the local driver. */
  readonly options: Readonly<Record<string, string>>;
  /** Docker's marker for volumes that `rm -v` and `prune` may take; implied where there is no name. */
  readonly anonymous?: boolean;
}

/** The ids of the containers that use each volume. */
export type VolumeUsers = ReadonlyMap<string, readonly string[]>;

/** A volume in the Engine API's shape. */
export type VolumeDocument = ReturnType<Volumes["inspect"]>;

const FILTERS = ["dangling", "driver", "label", "label!", "name"];

/**
 * Directories that outlive containers: `<directory>/<name>/_data`. The row is written first and deleted first, so that what
 * a killed engine leaves is a directory without a row, which nobody sees and the next volume of that name takes over empty.
 */
export class Volumes {
  constructor(
    private readonly store: Store,
    private readonly directory: string,
    private readonly trash: Trash,
  ) {
    mkdirSync(directory, { recursive: true, mode: 0o701 });
  }

  /** Where a volume of that name keeps its files, whether it exists or not. */
  path(name: string): string {
    return join(this.directory, name, "_data");
  }

  has(name: string): boolean {
    return this.#find(name) !== null;
  }

  /**
   * Makes a volume; one that exists is left as it is. @returns its name.
   * @throws invalid `INVALID_VOLUME_NAME`, `INVALID_VOLUME_OPTION`; not-found `VOLUME_DRIVER`.
   */
  create(volume: NewVolume): string {
    const name = volume.name === "" ? newId() : parseVolumeName(volume.name);
    assertLocalDriver(name, volume.driver);
    parseDriverOptions(name, volume.options);
    if (this.has(name)) return name;
    this.trash.discard(join(this.directory, name));
    const record: VolumeRecord = {
      name,
      created: timestampNow(),
      labels: volume.labels,
      options: volume.options,
      anonymous: volume.anonymous ?? volume.name === "",
    };
    this.store.transaction(() => {
      this.store.db.query("INSERT INTO volume (name, document) VALUES (?, ?)").run(name, JSON.stringify(record));
      mkdirSync(this.path(name), { recursive: true, mode: 0o755 });
    });
    return name;
  }

  /** @throws not-found `VOLUME_NOT_FOUND` in Docker's words. */
  inspect(name: string) {
    return documentOf(this.#get(name), this.path(name));
  }

  /** What is mounted in its place, where it lies elsewhere than in our directory. @throws not-found */
  filesystem(name: string): VolumeFilesystem | undefined {
    return parseDriverOptions(name, this.#get(name).options);
  }

  isAnonymous(name: string): boolean {
    return this.#find(name)?.anonymous ?? false;
  }

  /** Nothing was ever put into it. */
  isEmpty(name: string): boolean {
    try {
      return readdirSync(this.path(name)).length === 0;
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return true;
      throw error;
    }
  }

  /** By name. @throws invalid for an unknown filter. */
  list(filters: Filters, users: VolumeUsers): VolumeDocument[] {
    assertKnownFilters(filters, FILTERS);
    const dangling = booleanFilter(filters, "dangling");
    return this.#records()
      .filter(
        ({ name, labels }) =>
          (dangling === undefined || dangling === !users.has(name)) &&
          matchesAny(filters, "name", (part) => name.includes(part)) &&
          matchesAny(filters, "driver", (driver) => driver === "local") &&
          matchesLabels(labels, filters),
      )
      .map((record) => documentOf(record, this.path(record.name)));
  }

  /** All volumes with their size in bytes and how many containers use them, as `system df` shows. */
  listWithUsage(users: VolumeUsers) {
    return Promise.all(
      this.#records().map(async (record) => ({
        ...documentOf(record, this.path(record.name)),
        UsageData: { Size: await this.#size(record.name), RefCount: users.get(record.name)?.length ?? 0 },
      })),
    );
  }

  /** @throws not-found; conflict `VOLUME_IN_USE` in Docker's words. */
  remove(name: string, users: readonly string[]): void {
    this.#get(name);
    if (users.length > 0) {
      fail("conflict", "VOLUME_IN_USE", `remove ${name}: volume is in use - [${users.join(", ")}]`);
    }
    this.store.db.query("DELETE FROM volume WHERE name = ?").run(name);
    this.trash.discard(join(this.directory, name));
  }

  /** Removes anonymous volumes that nobody uses; with the filter `all` those with a name too. */
  async prune(filters: Filters, users: VolumeUsers): Promise<{ names: string[]; bytes: number }> {
    assertKnownFilters(filters, ["all", "label", "label!"]);
    const all = booleanFilter(filters, "all") ?? false;
    const chosen = this.#records().filter(
      ({ name, anonymous, labels }) => !users.has(name) && (all || anonymous) && matchesLabels(labels, filters),
    );
    let bytes = 0;
    for (const { name } of chosen) {
      bytes += await this.#size(name);
      this.remove(name, []);
    }
    return { names: chosen.map(({ name }) => name), bytes };
  }

  #size(name: string): Promise<number> {
    return usage(this.path(name));
  }

  #records(): VolumeRecord[] {
    return this.store.db
      .query<{ document: string }, []>("SELECT document FROM volume ORDER BY name")
      .all()
      .map(({ document }) => JSON.parse(document) as VolumeRecord);
  }

  #find(name: string): VolumeRecord | null {
    const row = this.store.db
      .query<{ document: string }, [string]>("SELECT document FROM volume WHERE name = ?")
      .get(name);
    return row && (JSON.parse(row.document) as VolumeRecord);
  }

  #get(name: string): VolumeRecord {
    return this.#find(name) ?? fail("not-found", "VOLUME_NOT_FOUND", `get ${name}: no such volume`);
  }
}

function documentOf({ name, created, labels, options, anonymous }: VolumeRecord, mountpoint: string) {
  return {
    CreatedAt: created,
    Driver: "local",
    // Docker's own label for these, by which its clients tell them.
    Labels: anonymous ? { "com.docker.volume.anonymous": "", ...labels } : labels,
    Mountpoint: mountpoint,
    Name: name,
    Options: Object.keys(options).length > 0 ? options : null,
    Scope: "local",
  };
}
