import type { Api } from "../client/api.ts";
import { formatByteSize } from "./byte-size.ts";
import { encodeFilters } from "./filters.ts";
import { print } from "./output.ts";

/** What can be cleared away, by the first part of its path in the API. */
export type PrunedKind = "containers" | "networks" | "volumes" | "images" | "build";

type Removed = readonly string[] | null | undefined;

interface PruneAnswer {
  readonly ContainersDeleted?: Removed;
  readonly NetworksDeleted?: Removed;
  readonly VolumesDeleted?: Removed;
  readonly CachesDeleted?: Removed;
  readonly ImagesDeleted?: readonly { readonly Untagged?: string; readonly Deleted?: string }[] | null;
  readonly SpaceReclaimed?: number;
}

/** Clears one kind away, prints what went in Docker's way, and returns the bytes that became free. */
export async function prune(api: Api, kind: PrunedKind, filters: readonly string[], all = false): Promise<number> {
  const query = { filters: encodeFilters(filters), all: kind === "build" && all ? 1 : undefined };
  const answer = await api.json<PruneAnswer>("POST", `/${kind}/prune`, { query });
  await report("Deleted Containers:", answer.ContainersDeleted);
  await report("Deleted Networks:", answer.NetworksDeleted);
  await report("Deleted Volumes:", answer.VolumesDeleted);
  const images = answer.ImagesDeleted?.map(({ Untagged, Deleted }) =>
    Untagged ? `untagged: ${Untagged}` : `deleted: ${Deleted}`,
  );
  await report("Deleted Images:", images);
  await report("Deleted build cache objects:", answer.CachesDeleted);
  return answer.SpaceReclaimed ?? 0;
}

export async function reportReclaimed(bytes: number): Promise<void> {
  await print(`Total reclaimed space: ${formatByteSize(bytes, 4)}`);
}

async function report(heading: string, removed: Removed): Promise<void> {
  if (!removed || removed.length === 0) return;
  await print(`${heading}\n${removed.join("\n")}\n`);
}
