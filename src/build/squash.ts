import { newId } from "../base/ids.ts";
import { diffIdsOf, type ImageConfig } from "../image/config.ts";
import { chainIdsOf, type Digest } from "../image/digest.ts";
import type { Image } from "../image/image-store.ts";
import { unpackFile } from "../snapshot/archive.ts";
import type { BuildParts } from "./build-parts.ts";

/**
 * An image with one layer in place of all that it has beyond its base's (`docker build --squash`).
 * @param base null: it has none.
 */
export async function squashedImage(parts: BuildParts, image: Image, base: ImageConfig | null): Promise<Digest> {
  const { layers, snapshotter, images, content } = parts;
  const baseDiffIds = base === null ? [] : diffIdsOf(base);
  const added = layers.stack(image.chainId).slice(baseDiffIds.length);
  if (added.length < 2) return image.id;
  const parent = chainIdsOf(baseDiffIds).at(-1) ?? null;
  const lower = (await layers.lower(parent)).map((key) => snapshotter.upper(key));
  const key = snapshotter.prepare(`build ${newId()}`, parent);
  let taken = false;
  try {
    // One on the other into the same directory: what a later one hides or replaces is gone.
    for (const layer of added) await unpackFile(content.path(layer.blob.digest), snapshotter.upper(key), { lower });
    const squashed = await layers.commit(parent, key, { keep: false });
    taken = true;
    const { config } = image;
    const { id } = await images.create({
      config: {
        ...config,
        rootfs: { type: "layers", diff_ids: [...baseDiffIds, ...(squashed ? [squashed.diffId] : [])] },
        history: [
          ...(base?.history ?? []),
          ...(config.history ?? []).slice(base?.history?.length ?? 0).map((step) => ({ ...step, empty_layer: true })),
          ...(squashed
            ? [
                {
                  created: config.created,
                  created_by: "",
                  comment: `merge ${image.id} to ${base ? "its base" : "scratch"}`,
                },
              ]
            : []),
        ],
      },
      topChainId: squashed?.chainId ?? parent,
      parentId: null,
    });
    return id;
  } finally {
    if (!taken) snapshotter.remove(key);
  }
}
