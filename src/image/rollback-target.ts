import { fail } from "../base/errors.ts";
import type { ChainId, Digest } from "./digest.ts";
import { layersNamed } from "./find-place.ts";
import type { Image, ImageStore } from "./image-store.ts";
import type { LayerStore } from "./layer-store.ts";
import type { Place } from "./place.ts";

/** Where a rollback leads: a state of an image. */
export interface RollbackTarget {
  readonly image: Image;
  /** null only for an image without layers. */
  readonly top: ChainId | null;
}

/**
 * What a place means to something that stands on an image now and stood on others before.
 * @param name for messages. @param past its earlier images, newest first; entry 0 is the current one.
 * @throws not-found, saying what there is.
 */
export function rollbackTarget(
  stores: { readonly images: ImageStore; readonly layers: LayerStore },
  name: string,
  current: Image,
  past: readonly Digest[],
  place: Place,
): RollbackTarget {
  const stack = stores.layers.stack(current.chainId);
  switch (place.kind) {
    case "back": {
      const top = stack.at(-1 - place.layers);
      if (top) return { image: current, top: top.chainId };
      const reflog = past.length > 1 ? `; its reflog has more: @{1} to @{${past.length - 1}}` : "";
      return notThere(
        `${name} has ${stack.length} layers, and at least one must stay: it can go back ${Math.max(0, stack.length - 1)}${reflog}`,
      );
    }
    case "entry": {
      const id = past[place.number];
      const image = id && stores.images.get(id);
      if (image) return { image, top: image.chainId };
      return notThere(`${name} has no entry @{${place.number}} in its reflog`);
    }
    case "layer": {
      for (const image of pastImages(stores, current, past)) {
        const found = layersNamed(stores.layers.stack(image.chainId), place.prefix);
        if (found.length > 1) {
          fail("invalid", "AMBIGUOUS_LAYER", `${name} has ${found.length} layers that begin with ${place.prefix}`);
        }
        if (found[0]) return { image, top: found[0].chainId };
      }
      return notThere(`${name} has and had no layer that begins with ${place.prefix}`);
    }
    case "forward": {
      const above = pastImages(stores, current, past)
        .map((image) => ({ image, stack: stores.layers.stack(image.chainId) }))
        .find((one) => one.stack.length > stack.length && one.stack[stack.length - 1]?.chainId === current.chainId);
      const top = above?.stack[stack.length - 1 + place.layers];
      if (above && top) return { image: above.image, top: top.chainId };
      const known = above ? above.stack.length - stack.length : 0;
      return notThere(`${name} can go forward ${known} layers: its reflog knows no more above it`);
    }
    default:
      return place satisfies never;
  }
}

/** The images that a ref has stood for, each once, the current one first. */
function pastImages({ images }: { images: ImageStore }, current: Image, past: readonly Digest[]): Image[] {
  return [...new Set([current.id, ...past])].flatMap((id) => images.get(id) ?? []);
}

function notThere(message: string): never {
  return fail("not-found", "NO_SUCH_PLACE", message);
}
