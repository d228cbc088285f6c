import { fail } from "../base/errors.ts";
import { shortId } from "../base/ids.ts";
import { type Digest, hexOf } from "./digest.ts";
import { type Image, type ImageStore, isIdOf } from "./image-store.ts";
import { canonicalRepository, familiarName, parseReference, type Reference } from "./reference.ts";

/** A line of the Engine API's answer to the removal of an image. */
export type Removal = { readonly Untagged: string } | { readonly Deleted: string };

/** A container that was made from an image. */
export interface ImageUser {
  readonly id: string;
  readonly running: boolean;
}

export interface RemoveImageOptions {
  /** Remove names although more than one repository has them, and although stopped containers were made from the image. */
  readonly force: boolean;
  /** Remove the images that this one was made from, too, if they have no name and nobody else needs them. */
  readonly prune: boolean;
  readonly usersOf: (id: Digest) => readonly ImageUser[];
}

/**
 * Docker's rules for `rmi`: a name is taken away, and the image goes with its last name; an id takes the image if all its
 * names are in one repository. Images with children or a running container stay whatever is asked.
 * @param text as the user typed it. @throws not-found; conflict `IMAGE_IN_USE` in Docker's words.
 */
export function removeImage(images: ImageStore, text: string, options: RemoveImageOptions): Removal[] {
  const image = images.resolve(text);
  const names = images.tagsOf(image.id);
  const removals: Removal[] = [];
  if (isIdOf(image, text)) {
    if (inOneRepository(names)) {
      refuseConflict(images, image, options, { named: false });
      for (const name of names) removals.push(...untag(images, image, name));
    }
  } else {
    const user = options.usersOf(image.id)[0];
    if (user && !options.force && names.length === 1) {
      conflict(
        `unable to remove repository reference ${JSON.stringify(text)} (must force) - container ${shortId(user.id)} is using its referenced image ${shortImageId(image.id)}`,
      );
    }
    const reference = parseReference(text);
    removals.push(...untag(images, image, reference));
    // As Docker: who takes away the last name of an image that others need only wanted the name away.
    if (images.tagsOf(image.id).length > 0 || isNeeded(images, image, options)) return removals;
  }
  return [...removals, ...removeWithParents(images, image, options)];
}

/** Takes the image and, when pruning, each nameless parent that nothing else holds. */
function removeWithParents(images: ImageStore, image: Image, options: RemoveImageOptions): Removal[] {
  refuseConflict(images, image, options, { named: true });
  const removals: Removal[] = [];
  for (let at: Image | null = image; at !== null; ) {
    const parent: Image | null = at.parentId && images.get(at.parentId);
    for (const name of images.tagsOf(at.id)) removals.push({ Untagged: familiarName(name) });
    const layers = images.remove(at.id);
    removals.push({ Deleted: at.id }, ...layers.map((chainId) => ({ Deleted: chainId })));
    const goesToo: boolean = options.prune && parent !== null && !isHeld(images, parent, options);
    at = goesToo ? parent : null;
  }
  return removals;
}

function isHeld(images: ImageStore, { id }: Image, { usersOf }: RemoveImageOptions): boolean {
  return images.childrenOf(id).length > 0 || images.tagsOf(id).length > 0 || usersOf(id).length > 0;
}

function isNeeded(images: ImageStore, { id }: Image, { usersOf }: RemoveImageOptions): boolean {
  return images.childrenOf(id).length > 0 || usersOf(id).some(({ running }) => running);
}

/** Children and running containers hold an image for good; names and stopped containers until it is forced. */
function refuseConflict(
  images: ImageStore,
  image: Image,
  { force, usersOf }: RemoveImageOptions,
  { named }: { named: boolean },
): void {
  const unable = `unable to delete ${shortImageId(image.id)}`;
  if (images.childrenOf(image.id).length > 0) {
    conflict(`${unable} (cannot be forced) - image has dependent child images`);
  }
  const users = usersOf(image.id);
  const running = users.find((user) => user.running);
  if (running) {
    conflict(`${unable} (cannot be forced) - image is being used by running container ${shortId(running.id)}`);
  }
  if (force) return;
  if (named && images.tagsOf(image.id).length > 0) {
    conflict(`${unable} (must be forced) - image is referenced in multiple repositories`);
  }
  const stopped = users[0];
  if (stopped) {
    conflict(`${unable} (must be forced) - image is being used by stopped container ${shortId(stopped.id)}`);
  }
}

/** With a repository's last tag go the digests under which that repository has the image. */
function untag(images: ImageStore, image: Image, reference: Reference): Removal[] {
  images.untag(reference);
  const repository = canonicalRepository(reference);
  const isThere = (name: Reference) => canonicalRepository(name) === repository;
  const left = images.tagsOf(image.id).some(isThere) ? [] : images.repoDigestsOf(image.id).filter(isThere);
  for (const name of left) images.untag(name);
  return [reference, ...left].map((name) => ({ Untagged: familiarName(name) }));
}

function inOneRepository(names: readonly Reference[]): boolean {
  return new Set(names.map(canonicalRepository)).size <= 1;
}

function shortImageId(id: Digest): string {
  return shortId(hexOf(id));
}

function conflict(message: string): never {
  fail("conflict", "IMAGE_IN_USE", `conflict: ${message}`);
}
