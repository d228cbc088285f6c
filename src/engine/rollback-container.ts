import { fail } from "../base/errors.ts";
import { diffIdsOf } from "../image/config.ts";
import { earlierImage } from "../image/earlier-image.ts";
import type { Image } from "../image/image-store.ts";
import type { Place } from "../image/place.ts";
import type { ApplyInstruction } from "../image/replay-history.ts";
import { describePlace } from "../image/rollback-image.ts";
import { type RollbackTarget, rollbackTarget } from "../image/rollback-target.ts";
import { changes } from "../snapshot/archive.ts";
import { lastImageOf, pastOf } from "./container-past.ts";
import type { ContainerRecord } from "./container-record.ts";
import { writtenRoot } from "./container-root.ts";
import type { EngineParts } from "./engine-parts.ts";
import { moveRoot, saveState } from "./move-root.ts";
import { whileStopped } from "./while-stopped.ts";
import { holdChains } from "./written-layer.ts";

export interface RollbackOptions {
  readonly place: Place;
  readonly restart: boolean;
  readonly apply: ApplyInstruction;
}

/**
 * Takes a container's files back to an earlier commit or layer, or forward again. It keeps its name, settings and volumes;
 * its files until now stay as an image in its reflog.
 * @throws not-found for a place that is not there; conflict `CONTAINER_RUNNING`, `NOTHING_TO_DO`.
 */
export async function rollbackContainer(parts: EngineParts, reference: string, options: RollbackOptions) {
  const { place, apply, restart } = options;
  // Before it is stopped for nothing.
  await targetOf(parts, parts.containers.resolve(reference), place);
  return whileStopped(parts, reference, { restart, attempt: "cannot roll back" }, async (record) => {
    const target = await targetOf(parts, record, place);
    using _held = holdChains(parts, target.image.chainId, record.chainId);
    const saved = await saveState(parts, record, "rollback");
    const { image, kept } = await imageOf(parts, target, apply);
    if (image.id === saved.id && record.chainId === image.chainId) {
      fail("conflict", "NOTHING_TO_DO", `container ${record.name} is there already`);
    }
    moveRoot(parts, record, saved, {
      image,
      snapshot: null,
      change: { rootImageId: image.id },
      reason: "rollback",
      detail: describePlace(place),
    });
    return { Id: image.id, Previous: saved.id, Layers: diffIdsOf(image.config).length, KeptConfig: kept };
  });
}

/**
 * The newest layer, at 0, is the last commit; without one since the container was made or rolled back it is what it wrote,
 * if it wrote anything.
 */
async function targetOf(parts: EngineParts, record: ContainerRecord, place: Place): Promise<RollbackTarget> {
  const last = lastImageOf(parts, record);
  if (!last) fail("conflict", "ORIGIN_GONE", `the image that container ${record.name} stands on is gone`);
  const past = pastOf(parts, record).map(({ imageId }) => imageId);
  const isUncommitted = record.commitId === undefined || last.id !== record.commitId;
  const ownLayers = place.kind === "back" && isUncommitted && (await hasWritten(parts, record)) ? 1 : 0;
  const below: Place = place.kind === "back" ? { kind: "back", layers: Math.max(0, place.layers - ownLayers) } : place;
  return rollbackTarget(parts, `container ${record.name}`, last, past, below);
}

async function hasWritten(parts: EngineParts, record: ContainerRecord): Promise<boolean> {
  const root = await writtenRoot(parts, record);
  return (await changes({ ...root, upper: record.snapshot })).length > 0;
}

async function imageOf(
  parts: EngineParts,
  { image, top }: RollbackTarget,
  apply: ApplyInstruction,
): Promise<{ image: Image; kept: readonly string[] }> {
  const earlier = earlierImage(parts.images, image, top, apply);
  if (earlier.kind === "known") return { image: earlier.image, kept: [] };
  const made = await parts.images.create({ config: earlier.config, topChainId: top, parentId: null });
  return { image: made, kept: earlier.kept };
}
