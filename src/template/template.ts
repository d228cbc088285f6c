import type { Image, ImageStore } from "../image/image-store.ts";
import type { LayerStore } from "../image/layer-store.ts";
import type { Reference } from "../image/reference.ts";

/** What a template needs to make its image. */
export interface TemplateParts {
  readonly layers: LayerStore;
  readonly images: ImageStore;
  /** Where a root may be put together: `<root>/tmp`. */
  readonly temporary: string;
}

export interface TemplateProgress {
  readonly status: string;
}

/** A recipe for a base image out of what the host has or can install, so that no registry is needed. */
export interface Template {
  readonly name: string;
  readonly description: string;
  /** The names that its image gets unless others are asked for. */
  readonly tags: readonly Reference[];
  /** Makes the image. Nothing is left of one that fails or is cancelled. */
  build(
    parts: TemplateParts,
    tags: readonly Reference[],
    signal?: AbortSignal,
  ): AsyncGenerator<TemplateProgress, Image>;
}

/** The search path of all our images: Docker's default. */
export const PATH_VARIABLE = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
