import { fail } from "../base/errors.ts";
import { shortId } from "../base/ids.ts";
import { hexOf } from "../image/digest.ts";
import type { Image } from "../image/image-store.ts";
import { canonicalName, familiarName, parseReference, withDefaultTag } from "../image/reference.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";

export type RemovedImage = { readonly Untagged: string } | { readonly Deleted: string };

export interface RemoveImageOptions {
  /** Also when it has several names or a stopped container uses it. */
  readonly force: boolean;
  /** Keep untagged parents. */
  readonly noPrune: boolean;
}

/**
 * Takes a name off an image, and removes the image when that was the last; an id means all its names.
 * @throws not-found; conflict in Docker's words, telling whether force would help.
 */
export function removeImage(parts: EngineParts, reference: string, options: RemoveImageOptions): RemovedImage[] {
  return parts.store.transaction(() => {
    const image = parts.images.resolve(reference);
    const names = parts.images.tagsOf(image.id);
    const name = nameIn(names, reference);
    return name === undefined
      ? removeById(parts, image, names, options)
      : removeByName(parts, image, names, name, options);
  });
}

/** The tag that the reference spells, if it is a name rather than an id. */
function nameIn(names: readonly string[], reference: string): string | undefined {
  try {
    const canonical = canonicalName(withDefaultTag(parseReference(reference)));
    return names.find((name) => name === canonical);
  } catch {
    // What is no reference is an id: `sha256:…`.
    return undefined;
  }
}

function removeByName(
  parts: EngineParts,
  image: Image,
  names: readonly string[],
  name: string,
  options: RemoveImageOptions,
): RemovedImage[] {
  const familiar = familiarName(parseReference(name));
  if (names.length === 1) {
    const user = usersOf(parts, image)[0];
    if (user && !options.force) {
      fail(
        "conflict",
        "IMAGE_IN_USE",
        `conflict: unable to remove repository reference "${familiar}" (must force) - container ${shortId(user.id)} is using its referenced image ${shortImage(image)}`,
      );
    }
  }
  const untagged = untag(parts, image, name);
  if (names.length > 1) return untagged;
  // A name comes off also where the image itself has to stay for others.
  if (conflictOf(parts, image, true) !== undefined) return untagged;
  return [...untagged, ...deleteImage(parts, image, options)];
}

function removeById(
  parts: EngineParts,
  image: Image,
  names: readonly string[],
  options: RemoveImageOptions,
): RemovedImage[] {
  const repositories = new Set(names.map((name) => name.slice(0, name.lastIndexOf(":"))));
  if (repositories.size > 1 && !options.force) {
    refuse(image, "must be forced", "image is referenced in multiple repositories");
  }
  const conflict = conflictOf(parts, image, options.force);
  if (conflict) refuse(image, conflict.hard ? "cannot be forced" : "must be forced", conflict.reason);
  return [...names.flatMap((name) => untag(parts, image, name)), ...deleteImage(parts, image, options)];
}

function untag(parts: EngineParts, image: Image, name: string): RemovedImage[] {
  const reference = parseReference(name);
  parts.images.untag(reference);
  parts.events.emit("image", "untag", image.id, { name: image.id });
  return [{ Untagged: familiarName(reference) }];
}

function deleteImage(parts: EngineParts, image: Image, options: RemoveImageOptions): RemovedImage[] {
  const removed: RemovedImage[] = [];
  for (let current: Image | undefined = image; current; ) {
    const parent: Image | undefined = current.parentId === null ? undefined : parts.images.find(current.parentId);
    parts.images.remove(current.id);
    parts.events.emit("image", "delete", current.id, { name: current.id });
    removed.push({ Deleted: current.id });
    const goesOn = !options.noPrune && parent && parts.images.tagsOf(parent.id).length === 0;
    current = goesOn && conflictOf(parts, parent, false) === undefined ? parent : undefined;
  }
  return removed;
}

/** Why an image has to stay; what is hard cannot be forced. */
function conflictOf(parts: EngineParts, image: Image, force: boolean): { hard: boolean; reason: string } | undefined {
  if (parts.images.childrenOf(image.id).length > 0) return { hard: true, reason: "image has dependent child images" };
  const users = usersOf(parts, image);
  const running = users.find(({ state }) => state.status === "running");
  if (running) return { hard: true, reason: `image is being used by running container ${shortId(running.id)}` };
  const [stopped] = users;
  if (stopped && !force) {
    return { hard: false, reason: `image is being used by stopped container ${shortId(stopped.id)}` };
  }
  return undefined;
}

function usersOf(parts: EngineParts, image: Image): ContainerRecord[] {
  return parts.containers.all().filter(({ imageId }) => imageId === image.id);
}

function refuse(image: Image, advice: string, reason: string): never {
  return fail("conflict", "IMAGE_IN_USE", `conflict: unable to delete ${shortImage(image)} (${advice}) - ${reason}`);
}

function shortImage(image: Image): string {
  return shortId(hexOf(image.id));
}
