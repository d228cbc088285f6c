import { fail } from "../base/errors.ts";
import type { ChainId } from "./digest.ts";
import type { Image, ImageStore } from "./image-store.ts";
import type { Layer } from "./layer-record.ts";
import type { LayerStore } from "./layer-store.ts";
import { type Place, splitPlace } from "./place.ts";
import { familiarName, parseReference } from "./reference.ts";

/** An image, and how far up its layers is meant. */
export interface PlacedImage {
  readonly image: Image;
  /** The image's own top layer, or one below. */
  readonly top: ChainId | null;
}

const WHOLE_DIGEST = /@sha256:[0-9a-f]{64}$/;

/**
 * The image that a person means by a name, or a place in its history: `app`, `app@1`, `app@3fa8`, `app@{1}`. What is
 * written `app@sha256:` and 64 digits is an image's digest if there is one, else a layer's.
 * @throws not-found for a name, layer or entry that is not there; invalid for what is no place.
 */
export function findPlace(images: ImageStore, layers: LayerStore, text: string): PlacedImage {
  const whole = WHOLE_DIGEST.test(text) ? images.find(text) : null;
  if (whole) return { image: whole, top: whole.chainId };
  const { name, place } = splitPlace(text);
  if (place?.kind === "entry") {
    const image = reflogTarget(images, name, place.number);
    return { image, top: image.chainId };
  }
  const image = images.resolve(name);
  const top = place === null ? image.chainId : layerAt(layers.stack(image.chainId), name, place).chainId;
  return { image, top };
}

/** What a name stood for `number` moves ago. @throws not-found `NO_REFLOG_ENTRY` */
export function reflogTarget(images: ImageStore, name: string, number: number): Image {
  const reference = parseReference(name);
  const entry = images.reflogOf(reference)[number];
  const image = entry && images.get(entry.imageId);
  if (image) return image;
  const known = familiarName(reference);
  return fail(
    "not-found",
    "NO_REFLOG_ENTRY",
    `${known} has no entry @{${number}}: see what there is with image reflog ${known}`,
  );
}

/** @param stack the image's layers, lowest first. @throws not-found `NO_SUCH_LAYER`; invalid `AMBIGUOUS_LAYER` */
export function layerAt(stack: readonly Layer[], name: string, place: Place): Layer {
  switch (place.kind) {
    case "back":
      return stack.at(-1 - place.layers) ?? noLayer(`${name} has ${stack.length} layers: no @${place.layers}`);
    case "layer":
      return layerNamed(stack, name, place.prefix);
    case "forward":
    case "entry":
      return fail("invalid", "INVALID_PLACE", "a layer is named by its number or the beginning of its digest");
    default:
      return place satisfies never;
  }
}

/** By the beginning of its diffID, as `inspect` and `log` show it, or of its archive's digest, as registries do. */
function layerNamed(stack: readonly Layer[], name: string, prefix: string): Layer {
  const found = layersNamed(stack, prefix);
  if (found.length > 1) {
    fail(
      "invalid",
      "AMBIGUOUS_LAYER",
      `${name} has ${found.length} layers that begin with ${prefix}: give more digits`,
    );
  }
  return found[0] ?? noLayer(`${name} has no layer that begins with ${prefix}`);
}

export function layersNamed(stack: readonly Layer[], prefix: string): Layer[] {
  const isNamed = (digest: string) => digest.startsWith(`sha256:${prefix}`);
  return stack.filter(({ diffId, blob }) => isNamed(diffId) || isNamed(blob.digest));
}

function noLayer(message: string): never {
  return fail("not-found", "NO_SUCH_LAYER", message);
}
