import type { ChainId, Digest } from "./digest.ts";
import type { Image, ImageStore } from "./image-store.ts";
import type { LayerStore } from "./layer-store.ts";
import { familiarName } from "./reference.ts";
import { stepsOf } from "./steps.ts";

/** A layer, what stands on it, and the images that end with it. */
export interface LayerNode {
  /** The layer's diffID; null for images without layers. */
  readonly Layer: Digest | null;
  readonly ChainId: ChainId | null;
  readonly CreatedBy: string;
  /** Bytes of this layer alone. */
  readonly Size: number;
  readonly Images: { readonly Id: Digest; readonly Tags: readonly string[] }[];
  readonly Children: LayerNode[];
}

/**
 * All images' layers as trees: what has a common beginning hangs on one branch. The oldest image's branch comes first.
 * Images that are only steps on the way to others are layers like any other, without a name.
 */
export function layerTree(images: ImageStore, layers: LayerStore): LayerNode[] {
  const roots: LayerNode[] = [];
  const nodes = new Map<ChainId, LayerNode>();
  for (const image of images.list().reverse()) {
    const steps = stepsOf(image, layers.stack(image.chainId)).reverse();
    let siblings = roots;
    let top: LayerNode | undefined;
    for (const { entry, layer } of steps) {
      if (layer === null) continue;
      top = nodes.get(layer.chainId);
      if (!top) {
        top = {
          Layer: layer.diffId,
          ChainId: layer.chainId,
          CreatedBy: entry.created_by ?? "",
          Size: layer.sizeBytes,
          Images: [],
          Children: [],
        };
        nodes.set(layer.chainId, top);
        siblings.push(top);
      }
      siblings = top.Children;
    }
    if (!top) {
      top = { Layer: null, ChainId: null, CreatedBy: "", Size: 0, Images: [], Children: [] };
      roots.push(top);
    }
    if (isShown(images, image)) {
      top.Images.push({ Id: image.id, Tags: images.tagsOf(image.id).map(familiarName) });
    }
  }
  return roots;
}

/** As in `docker images` without `--all`. */
function isShown(images: ImageStore, { id }: Image): boolean {
  return images.tagsOf(id).length > 0 || images.childrenOf(id).length === 0;
}
