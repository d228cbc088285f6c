import { fail } from "../base/errors.ts";
import { diffIdsOf } from "../image/config.ts";
import { earlierImage } from "../image/earlier-image.ts";
import type { Image } from "../image/image-store.ts";
import type { Place } from "../image/place.ts";
import type { ApplyInstruction } from "../image/replay-history.ts";
import { describePlace } from "../image/rollback-image.ts";
import { type RollbackTarget, rollbackTarget } from "../image/rollback-target.ts";
import { type Moment, timelineOf } from "../image/timeline.ts";
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
    const last = lastImageOf(parts, record);
    using _held = holdChains(parts, target.image.chainId, record.chainId, last?.chainId ?? null);
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

/** @throws not-found `NO_SUCH_PLACE`; conflict `ORIGIN_GONE` */
async function targetOf(parts: EngineParts, record: ContainerRecord, place: Place): Promise<RollbackTarget> {
  const last = lastImageOf(parts, record);
  if (!last) fail("conflict", "ORIGIN_GONE", `the image that container ${record.name} stands on is gone`);
  switch (place.kind) {
    case "back": {
      const ownLayers = isUncommitted(record, last) && (await hasWritten(parts, record)) ? 1 : 0;
      return walk(parts, record, last, -Math.max(0, place.layers - ownLayers));
    }
    case "forward":
      return walk(parts, record, last, place.layers);
    case "entry":
    case "layer": {
      const past = pastOf(parts, record).map(({ imageId }) => imageId);
      return rollbackTarget(parts, `container ${record.name}`, last, past, place);
    }
    default:
      return place satisfies never;
  }
}

/**
 * The newest layer is the last commit; without one since the container was made or rolled back it is what it wrote, if it
 * wrote anything.
 */
function isUncommitted(record: ContainerRecord, last: Image): boolean {
  return record.commitId !== last.id;
}

/** @param steps down the container's timeline if negative. */
function walk(parts: EngineParts, record: ContainerRecord, last: Image, steps: number): RollbackTarget {
  const moments = pastOf(parts, record).flatMap(({ imageId, reason }) => {
    const image = parts.images.get(imageId);
    return image ? [{ reason, moment: momentOf(parts, image) }] : [];
  });
  const entries =
    moments.length > 0 ? moments.reverse() : [{ reason: "create" as const, moment: momentOf(parts, last) }];
  const { places, now } = timelineOf(entries);
  const place = places[now + steps];
  const image = place && parts.images.get(place.imageId);
  if (image) return { image, top: place.top };
  return fail(
    "not-found",
    "NO_SUCH_PLACE",
    `container ${record.name} can go back ${Math.max(0, now)} layers and forward ${places.length - 1 - now}: see its reflog for more`,
  );
}

function momentOf(parts: EngineParts, image: Image): Moment {
  return { imageId: image.id, chain: parts.layers.stack(image.chainId).map(({ chainId }) => chainId) };
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
