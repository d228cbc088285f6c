import { fail } from "../base/errors.ts";
import { earlierImage } from "./earlier-image.ts";
import type { Image, ImageStore } from "./image-store.ts";
import type { LayerStore } from "./layer-store.ts";
import type { Place } from "./place.ts";
import { canonicalName, familiarName, parseReference } from "./reference.ts";
import type { ApplyInstruction } from "./replay-history.ts";
import { rollbackTarget } from "./rollback-target.ts";

export interface RolledBack {
  readonly image: Image;
  readonly previous: Image;
  /** Fields of the configuration of which it is not known what they were. */
  readonly kept: readonly string[];
}

interface Stores {
  readonly images: ImageStore;
  readonly layers: LayerStore;
}

/**
 * Moves a name to an earlier state of its image; what it stood for stays in its reflog. The name moves in one transaction.
 * @throws not-found; invalid `NOT_A_NAME` for an id; conflict `NOTHING_TO_DO` if it stands there already.
 */
export async function rollbackImage(
  stores: Stores,
  name: string,
  place: Place,
  apply: ApplyInstruction,
): Promise<RolledBack> {
  const { images, layers } = stores;
  const previous = images.resolve(name);
  const reference = parseReference(name);
  const canonical = canonicalName(reference);
  if (!images.tagsOf(previous.id).some((tag) => canonicalName(tag) === canonical)) {
    fail(
      "invalid",
      "NOT_A_NAME",
      `${name} is not a name that could stand for another image: tag the image and roll the name back`,
    );
  }
  const past = images.reflogOf(reference).map(({ imageId }) => imageId);
  const target = rollbackTarget(stores, familiarName(reference), previous, past, place);
  using _held = layers.hold(layers.stack(target.image.chainId).map(({ chainId }) => chainId));
  const earlier = earlierImage(images, target.image, target.top, apply);
  const detail = describePlace(place);
  if (earlier.kind === "rebuilt") {
    const { config, kept } = earlier;
    // Awaited here: the hold ends with this function.
    const image = await images.create({
      config,
      topChainId: target.top,
      parentId: null,
      tags: [reference],
      reason: "rollback",
      detail,
    });
    return { image, previous, kept };
  }
  const { image } = earlier;
  if (image.id === previous.id) fail("conflict", "NOTHING_TO_DO", `${familiarName(reference)} is there already`);
  images.tag(image.id, reference, "rollback", detail);
  return { image, previous, kept: [] };
}

/** For the reflog. */
export function describePlace(place: Place): string {
  switch (place.kind) {
    case "back":
      return place.layers === 1 ? "1 layer back" : `${place.layers} layers back`;
    case "forward":
      return place.layers === 1 ? "1 layer forward" : `${place.layers} layers forward`;
    case "entry":
      return `to @{${place.number}}`;
    case "layer":
      return `to layer ${place.prefix.slice(0, 12)}`;
    default:
      return place satisfies never;
  }
}
