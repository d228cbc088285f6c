import type { Image } from "../image/image-store.ts";
import type { EngineParts } from "./engine-parts.ts";

/** What images weigh together and each alone, as `docker system df` counts it. */
export interface ImageSizes {
  /** Bytes of all layers, each counted once. */
  readonly layersBytes: number;
  /** Bytes of an image's layers that other images have as well. */
  sharedBytes(image: Image): number;
}

/**
 * Counts among the images that a person sees: those that are only steps on the way to others share all with them, which is
 * no answer to what would become free.
 */
export function imageSizes({ images, layers }: EngineParts): ImageSizes {
  const users = new Map<string, { count: number; readonly sizeBytes: number }>();
  for (const image of images.list()) {
    const isNamed = images.tagsOf(image.id).length > 0 || images.repoDigestsOf(image.id).length > 0;
    if (!isNamed && images.childrenOf(image.id).length > 0) continue;
    for (const { chainId, sizeBytes } of layers.stack(image.chainId)) {
      const known = users.get(chainId) ?? { count: 0, sizeBytes };
      known.count++;
      users.set(chainId, known);
    }
  }
  return {
    layersBytes: users.values().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    sharedBytes: ({ chainId }) =>
      layers
        .stack(chainId)
        .filter((layer) => (users.get(layer.chainId)?.count ?? 0) > 1)
        .reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  };
}
