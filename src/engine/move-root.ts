import { addStep } from "../image/commit.ts";
import type { Image } from "../image/image-store.ts";
import { emitContainerEvent } from "./container-events.ts";
import { lastImageOf, recordPast, rootBaseOf } from "./container-past.ts";
import { type ContainerRecord, commandLine } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";
import { writtenLayer } from "./written-layer.ts";

/** What a container is to stand on from now on, and why. */
export interface NewRoot {
  readonly image: Image;
  /** Its writes until now on other layers, ready to be written to; null for none. */
  readonly snapshot: number | null;
  readonly change: Partial<ContainerRecord>;
  readonly reason: "rollback" | "rebase";
  readonly detail: string;
}

/**
 * Puts a stopped container on other layers, in one transaction: a kill before leaves it as it was, one after leaves the old
 * files to the next start. What it was stays in its reflog.
 * @param saved the image that keeps its files, from {@link saveState}.
 */
export function moveRoot(parts: EngineParts, record: ContainerRecord, saved: Image, root: NewRoot): void {
  const { image, reason, detail } = root;
  const moved = parts.store.transaction(() => {
    recordPast(parts, record, saved, "save", `before ${reason}`);
    recordPast(parts, record, image, reason, detail);
    const snapshot = root.snapshot ?? parts.snapshotter.prepare(record.id, image.chainId);
    parts.snapshotter.assign(snapshot, record.id);
    parts.store.db.query("DELETE FROM snapshot WHERE key = ?").run(record.snapshot);
    return parts.containers.update(record.id, {
      ...root.change,
      chainId: image.chainId,
      snapshot,
      commitId: undefined,
    });
  });
  parts.snapshotter.discard(record.snapshot);
  emitContainerEvent(parts, moved, reason, { imageID: image.id });
}

/** Keeps what a container has written since its last commit as an image without a name; that commit itself if that is nothing. */
export async function saveState(parts: EngineParts, record: ContainerRecord, reason: string): Promise<Image> {
  const last = lastImageOf(parts, record);
  const chainId = last ? last.chainId : record.chainId;
  const layer = await writtenLayer(parts, record, { earlier: chainId, onto: chainId });
  if (last && layer === null) return last;
  const { config } = last ?? rootBaseOf(parts, record);
  return addStep(parts.images, { config, id: null }, layer, {
    config: record.config,
    createdBy: commandLine(record.config).join(" "),
    author: "",
    comment: `container ${record.name} before ${reason}`,
    tag: null,
  });
}
