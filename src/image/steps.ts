import type { HistoryEntry } from "./config.ts";
import type { Image } from "./image-store.ts";
import type { Layer } from "./layer-record.ts";

/** One step of an image's making. */
export interface Step {
  /** Empty for a layer of which the image's config says nothing. */
  readonly entry: HistoryEntry;
  /** What the step wrote; null for one that changed no file. */
  readonly layer: Layer | null;
  /** How many layers were put on top of it; null for a step without a layer. */
  readonly position: number | null;
}

/**
 * An image's steps with their layers, newest first.
 * @param stack the image's layers, lowest first.
 */
export function stepsOf(image: Image, stack: readonly Layer[]): Step[] {
  const rest = [...stack];
  const described = (image.config.history ?? []).map((entry) => ({
    entry,
    layer: entry.empty_layer ? null : (rest.shift() ?? null),
  }));
  const all = [...described, ...rest.map((layer) => ({ entry: {}, layer }))];
  let position = 0;
  return all.reverse().map((step) => ({ ...step, position: step.layer === null ? null : position++ }));
}
