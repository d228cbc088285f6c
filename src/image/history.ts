import type { HistoryEntry } from "./config.ts";
import type { Digest } from "./digest.ts";
import type { Image, ImageStore } from "./image-store.ts";
import type { LayerStore } from "./layer-store.ts";
import { familiarName } from "./reference.ts";

/** A line of `docker history` in the Engine API's shape; Created in seconds since the epoch. */
export interface HistoryDocument {
  readonly Id: string;
  readonly Created: number;
  readonly CreatedBy: string;
  readonly Tags: readonly string[] | null;
  readonly Size: number;
  readonly Comment: string;
}

/**
 * How an image was made, newest step first. A step's id is known where the image it made is still here as a parent;
 * others are `<missing>`.
 */
export function historyOf(images: ImageStore, layers: LayerStore, image: Image): HistoryDocument[] {
  const sizes = layers.stack(image.chainId).map((layer) => layer.sizeBytes);
  const oldestFirst = (image.config.history ?? []).map((entry) => ({
    entry,
    size: entry.empty_layer ? 0 : (sizes.shift() ?? 0),
  }));
  const ids = lineOf(images, image);
  return oldestFirst.reverse().map(({ entry, size }, index) => {
    const id = ids[index];
    const tags = id ? images.tagsOf(id).map(familiarName) : [];
    return { ...describe(entry), Id: id ?? "<missing>", Size: size, Tags: tags.length ? tags : null };
  });
}

/** An image and those it was made from, each of one step more than the next. */
function lineOf(images: ImageStore, image: Image): Digest[] {
  const ids: Digest[] = [];
  for (let at: Image | null = image; at !== null; at = at.parentId && images.get(at.parentId)) ids.push(at.id);
  return ids;
}

function describe(entry: HistoryEntry): Pick<HistoryDocument, "Created" | "CreatedBy" | "Comment"> {
  const created = Date.parse(entry.created ?? "");
  return {
    Created: Number.isNaN(created) ? 0 : Math.floor(created / 1000),
    CreatedBy: entry.created_by ?? "",
    Comment: entry.comment ?? "",
  };
}
