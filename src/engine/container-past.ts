import { fail } from "../base/errors.ts";
import { bareConfig, type StepBase } from "../image/commit.ts";
import type { Image } from "../image/image-store.ts";
import { containerRef, type ReflogReason, recordTarget, reflogOf } from "../image/reflog.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";

/** The image whose layers the container's root stands on; null if it is gone. */
export function rootImageOf(parts: EngineParts, record: ContainerRecord): Image | null {
  const id = record.rootImageId ?? record.imageId;
  return id === "" ? null : parts.images.find(id);
}

/** The last commit, as long as it is here; else the image that the container stands on. */
export function lastImageOf(parts: EngineParts, record: ContainerRecord): Image | null {
  const commit = record.commitId && parts.images.get(record.commitId);
  return commit ?? rootImageOf(parts, record);
}

/** What a layer on the container's root is a step after: its image, or at least its layers. */
export function rootBaseOf(parts: EngineParts, record: ContainerRecord): StepBase {
  const image = rootImageOf(parts, record);
  if (image) return image;
  const stack = parts.layers.stack(record.chainId);
  return { config: stack.length > 0 ? bareConfig(stack) : null, id: null };
}

/** The image that the container was made from. @throws conflict `ORIGIN_GONE` */
export function originOf(parts: EngineParts, record: ContainerRecord): Image {
  const image = record.imageId === "" ? null : parts.images.find(record.imageId);
  return image ?? fail("conflict", "ORIGIN_GONE", `the image that container ${record.name} was made from is gone`);
}

/** The images that the container was or is in some state, newest first. */
export function pastOf(parts: EngineParts, record: ContainerRecord) {
  return reflogOf(parts.store, containerRef(record.id));
}

/** Notes that the container has come to an image; the first time also what it was made from. In the transaction that does it. */
export function recordPast(
  parts: EngineParts,
  record: ContainerRecord,
  image: Image,
  reason: ReflogReason,
  detail = "",
): void {
  const ref = containerRef(record.id);
  const origin = rootImageOf(parts, record);
  if (origin && reflogOf(parts.store, ref).length === 0) recordTarget(parts.store, ref, origin.id, "create");
  recordTarget(parts.store, ref, image.id, reason, detail);
}
