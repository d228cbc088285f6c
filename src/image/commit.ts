import { timestampNow } from "../base/timestamp.ts";
import { diffIdsOf, type HistoryEntry, hostArchitecture, type ImageConfig, type ImageRunConfig } from "./config.ts";
import type { Digest } from "./digest.ts";
import type { Image, ImageStore } from "./image-store.ts";
import type { LayerStore } from "./layer-store.ts";
import type { Reference } from "./reference.ts";

export interface CommitRequest {
  /** The image that the container was made from; null for none, or one that is gone. */
  readonly parent: Image | null;
  /** The container's snapshot; it stays the container's. */
  readonly snapshot: number;
  /** The new image's, complete: the container's own with all changes made to it. */
  readonly config: ImageRunConfig;
  /** The command that made the changes, as history shows it. */
  readonly createdBy: string;
  readonly author: string;
  readonly comment: string;
  readonly tag: Reference | null;
  readonly signal?: AbortSignal;
}

/** Makes an image of a container: its image's layers and one with what it wrote, if it wrote anything. */
export async function commitImage(layers: LayerStore, images: ImageStore, request: CommitRequest): Promise<Image> {
  const { parent } = request;
  const layer = await layers.commit(parent?.chainId ?? null, request.snapshot, { keep: true, signal: request.signal });
  const step: HistoryEntry = {
    created: timestampNow(),
    created_by: request.createdBy,
    ...(request.author && { author: request.author }),
    ...(request.comment && { comment: request.comment }),
    ...(layer === null && { empty_layer: true }),
  };
  return images.create({
    config: extendConfig(parent?.config ?? null, request.config, step, layer?.diffId ?? null, request.author),
    topChainId: layer?.chainId ?? parent?.chainId ?? null,
    parentId: parent?.id ?? null,
    tags: request.tag === null ? [] : [request.tag],
    reason: "commit",
  });
}

/**
 * The config of an image with one step more than its parent's.
 * @param diffId of the step's layer; null if the step changed no file.
 */
export function extendConfig(
  parent: ImageConfig | null,
  config: ImageRunConfig,
  step: HistoryEntry,
  diffId: Digest | null,
  author = "",
): ImageConfig {
  return {
    architecture: parent?.architecture ?? hostArchitecture(),
    os: parent?.os ?? "linux",
    ...(parent?.variant && { variant: parent.variant }),
    created: step.created,
    ...((author || parent?.author) && { author: author || parent?.author }),
    config,
    rootfs: {
      type: "layers",
      diff_ids: [...(parent ? diffIdsOf(parent) : []), ...(diffId === null ? [] : [diffId])],
    },
    history: [...(parent?.history ?? []), step],
  };
}
