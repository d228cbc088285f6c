import { type HistoryEntry, hostArchitecture, type ImageConfig } from "../../image/config.ts";
import type { Layer } from "../../image/layer-record.ts";

/** What BuildKit notes of a layer that the document says nothing of. */
const UNKNOWN_STEP: HistoryEntry = { comment: "buildkit.exporter.image.v0" };

/**
 * An image's document for these layers: a client that made one of its own knows neither their digests nor how many there
 * are, and a tree of files has none.
 */
export function imageDocument(config: ImageConfig | null, layers: readonly Layer[]): ImageConfig {
  const document: ImageConfig = config ?? { architecture: hostArchitecture(), os: "linux", rootfs: EMPTY_ROOT };
  const diffIds = layers.map(({ diffId }) => diffId);
  if (sameTexts(document.rootfs.diff_ids ?? [], diffIds)) return document;
  return {
    ...document,
    rootfs: { type: "layers", diff_ids: diffIds },
    history: historyFor(document.history ?? [], diffIds.length),
  };
}

const EMPTY_ROOT: ImageConfig["rootfs"] = { type: "layers", diff_ids: [] };

/** One line for each layer: lines that have none become lines without, and layers without a line get one. */
function historyFor(history: readonly HistoryEntry[], layers: number): HistoryEntry[] {
  let left = layers;
  const lines = history.map((line) => {
    if (line.empty_layer) return line;
    return left-- > 0 ? line : { ...line, empty_layer: true };
  });
  return [...lines, ...Array.from({ length: Math.max(0, left) }, () => UNKNOWN_STEP)];
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, at) => text === b[at]);
}
