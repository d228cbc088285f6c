import { assertKnownFilters, booleanFilter, type Filters, matchesAny, matchesLabels } from "../base/filters.ts";
import type { VolumeRecord } from "./volume-store.ts";

/** Ids of the containers that refer to each volume, running or not. A volume that is missing here has none. */
export type VolumeUsers = ReadonlyMap<string, readonly string[]>;

/** The body of `GET /volumes/{name}` (API 1.51). */
export type VolumeDocument = ReturnType<typeof volumeDocument>;

/** @param path of the volume's files on the host. */
export function volumeDocument(volume: VolumeRecord, path: string) {
  return {
    CreatedAt: volume.created,
    Driver: "local",
    Labels: orNull(volume.labels),
    Mountpoint: path,
    Name: volume.name,
    Options: orNull(volume.options),
    Scope: "local",
  };
}

/** Go's empty map, as Docker prints it. */
function orNull(map: Readonly<Record<string, string>>): Readonly<Record<string, string>> | null {
  return Object.keys(map).length === 0 ? null : map;
}

/** The list's filters, checked at once, as a test for each volume. @throws invalid `INVALID_FILTER` */
export function listFilter(filters: Filters, users: VolumeUsers): (volume: VolumeRecord) => boolean {
  assertKnownFilters(filters, ["dangling", "driver", "label", "name"]);
  const dangling = booleanFilter(filters, "dangling");
  return (volume) =>
    (dangling === undefined || dangling !== isUsed(volume.name, users)) &&
    matchesAny(filters, "driver", (driver) => driver === "local") &&
    matchesAny(filters, "name", (part) => volume.name.includes(part)) &&
    matchesLabels(volume.labels, filters);
}

/**
 * What `prune` may take of the unused volumes: by itself anonymous ones alone, with `all` those with a name too.
 * @throws invalid `INVALID_FILTER`
 */
export function pruneFilter(filters: Filters): (volume: VolumeRecord) => boolean {
  assertKnownFilters(filters, ["all", "label", "label!"]);
  const all = booleanFilter(filters, "all") ?? false;
  return (volume) => (all || isAnonymous(volume)) && matchesLabels(volume.labels, filters);
}

export function isUsed(name: string, users: VolumeUsers): boolean {
  return (users.get(name)?.length ?? 0) > 0;
}

/** How Docker marks a volume that nobody named. */
export const ANONYMOUS_LABEL = "com.docker.volume.anonymous";

export function isAnonymous(volume: VolumeRecord): boolean {
  return Object.hasOwn(volume.labels, ANONYMOUS_LABEL);
}
