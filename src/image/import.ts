import type { Readable } from "node:stream";
import { timestampNow } from "../base/timestamp.ts";
import { hostArchitecture, type ImageRunConfig } from "./config.ts";
import type { Image, ImageStore } from "./image-store.ts";
import type { LayerStore } from "./layer-store.ts";
import type { Reference } from "./reference.ts";

export interface ImportRequest {
  /** The root file system, packed in any way. */
  readonly source: Readable;
  readonly config: ImageRunConfig;
  /** What history says of it: `Imported from -`. */
  readonly comment: string;
  readonly tags: readonly Reference[];
  /** RFC 3339; now if missing. A template passes the time of what it is made of, so that its image is reproducible. */
  readonly created?: string;
  readonly createdBy?: string;
  readonly architecture?: string;
  readonly signal?: AbortSignal;
}

/** Makes an image of one layer out of an archive of a root file system. */
export async function importImage(layers: LayerStore, images: ImageStore, request: ImportRequest): Promise<Image> {
  const created = request.created ?? timestampNow();
  const layer = await layers.import(null, request.source, { signal: request.signal });
  return images.create({
    config: {
      architecture: request.architecture ?? hostArchitecture(),
      os: "linux",
      created,
      config: request.config,
      rootfs: { type: "layers", diff_ids: [layer.diffId] },
      history: [{ created, ...(request.createdBy && { created_by: request.createdBy }), comment: request.comment }],
    },
    topChainId: layer.chainId,
    parentId: null,
    tags: request.tags,
    reason: "import",
  });
}
