import { timestampNow } from "../base/timestamp.ts";
import { diffIdsOf, type HistoryEntry, hostArchitecture, type ImageConfig, type ImageRunConfig } from "./config.ts";
import { chainIdsOf, type Digest } from "./digest.ts";
import type { Image, ImageStore } from "./image-store.ts";
import type { Layer } from "./layer-record.ts";
import type { LayerStore } from "./layer-store.ts";
import type { Reference } from "./reference.ts";

/** What a commit says of itself. */
export interface CommitStep {
  /** The new image's, complete: the container's own with all changes made to it. */
  readonly config: ImageRunConfig;
  /** The command that made the changes, as history shows it. */
  readonly createdBy: string;
  readonly author: string;
  readonly comment: string;
  readonly tag: Reference | null;
}

export interface CommitRequest extends CommitStep {
  /** The image that the container was made from; null for none. */
  readonly parent: Image | null;
  /** The container's snapshot; it stays the container's. */
  readonly snapshot: number;
  readonly signal?: AbortSignal;
}

/** Makes an image of a container: its image's layers and one with what it wrote, if it wrote anything. */
export async function commitImage(layers: LayerStore, images: ImageStore, request: CommitRequest): Promise<Image> {
  const { parent, snapshot, signal } = request;
  const layer = await layers.commit(parent?.chainId ?? null, snapshot, { keep: true, signal });
  return addStep(images, { config: parent?.config ?? null, id: parent?.id ?? null }, layer, request);
}

/** What a step is put on: an image, or only the configuration of one that is gone; null for nothing. */
export interface StepBase {
  readonly config: ImageConfig | null;
  readonly id: Digest | null;
}

/** Makes an image of one step more. @param layer on top of the base's layers; null if the step changed no file. */
export async function addStep(
  images: ImageStore,
  base: StepBase,
  layer: Layer | null,
  step: CommitStep,
): Promise<Image> {
  const entry: HistoryEntry = {
    created: timestampNow(),
    created_by: step.createdBy,
    ...(step.author && { author: step.author }),
    ...(step.comment && { comment: step.comment }),
    ...(layer === null && { empty_layer: true }),
  };
  const config = extendConfig(base.config, step.config, entry, layer?.diffId ?? null, step.author);
  return images.create({
    config,
    topChainId: chainIdsOf(diffIdsOf(config)).at(-1) ?? null,
    parentId: base.id,
    tags: step.tag === null ? [] : [step.tag],
    reason: "commit",
  });
}

/** The configuration that says only which layers there are: of an image that is gone while something stands on them. */
export function bareConfig(stack: readonly Layer[]): ImageConfig {
  return {
    architecture: hostArchitecture(),
    os: "linux",
    rootfs: { type: "layers", diff_ids: stack.map(({ diffId }) => diffId) },
    history: stack.map(() => ({})),
  };
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
