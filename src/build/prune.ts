import { formatTimestamp } from "../base/timestamp.ts";
import type { BuildParts } from "./build-parts.ts";

/** One thing that builds keep, in the Engine API's form (BuildCache of `GET /system/df`). */
export interface CacheDocument {
  readonly ID: string;
  readonly Parents: readonly string[];
  readonly Type: "regular" | "exec.cachemount";
  readonly Description: string;
  readonly InUse: boolean;
  readonly Shared: boolean;
  readonly Size: number;
  readonly CreatedAt: string;
  readonly LastUsedAt: string;
  readonly UsageCount: number;
}

export async function listCache({ cache, cacheMounts }: BuildParts): Promise<CacheDocument[]> {
  const mounts = await Promise.all(
    cacheMounts.records().map(
      async (record): Promise<CacheDocument> => ({
        ID: `mount-${record.id}`,
        Parents: [],
        Type: "exec.cachemount",
        Description: `cached mount ${record.name}`,
        InUse: record.inUse,
        Shared: false,
        Size: await cacheMounts.size(record.id),
        CreatedAt: record.created,
        LastUsedAt: formatTimestamp(BigInt(record.lastUsedNs)),
        UsageCount: record.useCount,
      }),
    ),
  );
  const results = cache.records().map(
    (record): CacheDocument => ({
      ID: `step-${record.id}`,
      Parents: [],
      Type: "regular",
      Description: record.description,
      InUse: false,
      Shared: record.shared,
      Size: record.sizeBytes,
      CreatedAt: record.created,
      LastUsedAt: formatTimestamp(BigInt(record.lastUsedNs)),
      UsageCount: record.useCount,
    }),
  );
  return [...results, ...mounts];
}

export interface PruneOptions {
  /** Also what images stand on: it frees nothing, but is forgotten. */
  readonly all: boolean;
  /** Keep what was used since; milliseconds. 0: nothing for that reason. */
  readonly unusedForMs: number;
  /** Keep as much, the latest used first. 0: nothing for that reason. */
  readonly keepBytes: number;
  /** Types and ids to keep to; empty: all. */
  readonly types: readonly string[];
  readonly ids: readonly string[];
}

/**
 * Forgets what builds keep. What a build under way uses stays as long as it needs it, and cache mounts in use stay.
 * @returns what went, and how many bytes that freed.
 */
export async function pruneCache(parts: BuildParts, options: PruneOptions): Promise<{ ids: string[]; bytes: number }> {
  const before = Date.now() - options.unusedForMs;
  let kept = 0;
  const going = (await listCache(parts))
    .sort((one, other) => (one.LastUsedAt < other.LastUsedAt ? 1 : -1))
    .filter(({ ID, Type, InUse, Shared, Size, LastUsedAt }) => {
      if (InUse || (Shared && !options.all)) return false;
      if (options.types.length && !options.types.includes(Type)) return false;
      if (options.ids.length && !options.ids.includes(ID)) return false;
      if (options.unusedForMs > 0 && Date.parse(LastUsedAt) > before) return false;
      kept += Size;
      return options.keepBytes === 0 || kept > options.keepBytes;
    });
  const removed: CacheDocument[] = [];
  for (const document of going) {
    if (document.Type === "regular" || parts.cacheMounts.remove(numberOf(document))) removed.push(document);
  }
  const mounts = removed.filter(({ Type }) => Type === "exec.cachemount").reduce((sum, { Size }) => sum + Size, 0);
  // Not the steps' own bytes: with a step go the layers below it that nothing else stands on, and images keep theirs.
  const layersBefore = parts.layers.allBytes();
  parts.cache.remove(removed.filter(({ Type }) => Type === "regular").map(numberOf));
  return { ids: removed.map(({ ID }) => ID), bytes: mounts + layersBefore - parts.layers.allBytes() };
}

function numberOf({ ID }: CacheDocument): number {
  return Number(ID.slice(ID.indexOf("-") + 1));
}
