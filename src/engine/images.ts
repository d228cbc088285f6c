import { matchesGlob } from "node:path/posix";
import type { Readable } from "node:stream";
import { fail } from "../base/errors.ts";
import { assertKnownFilters, booleanFilter, type Filters, matchesAny, matchesLabels } from "../base/filters.ts";
import { formatTimestamp, ZERO_TIMESTAMP } from "../base/timestamp.ts";
import { diffIdsOf, type ImageRunConfig } from "../image/config.ts";
import { historyOf } from "../image/history.ts";
import type { Image } from "../image/image-store.ts";
import { importImage } from "../image/import.ts";
import { type LoadProgress, loadImages } from "../image/load.ts";
import { familiarName, familiarRepository, parseRepositoryAndTag, type Reference } from "../image/reference.ts";
import type { ReflogReason } from "../image/reflog.ts";
import { type Removal, removeImage } from "../image/remove-image.ts";
import { saveImages } from "../image/save.ts";
import type { EngineParts } from "./engine-parts.ts";
import { imageSizes } from "./image-sizes.ts";

export interface ListImagesOptions {
  /** Intermediate images too. */
  readonly all: boolean;
  readonly sharedSize: boolean;
  readonly filters: Filters;
}

export interface ImportOptions {
  readonly reference: Reference | null;
  /** What history says of it. */
  readonly message: string;
  readonly config: ImageRunConfig;
  readonly abort?: AbortSignal;
}

/** What clients do with images, in the Engine API's documents. */
export class Images {
  readonly #parts: EngineParts;

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  list(options: ListImagesOptions) {
    const parts = this.#parts;
    const { filters } = options;
    assertKnownFilters(filters, ["dangling", "label", "label!", "before", "since", "reference", "until"]);
    const dangling = booleanFilter(filters, "dangling");
    const created = (key: "before" | "since") => (filters.get(key) ?? []).map((name) => parts.images.resolve(name));
    const sizes = options.sharedSize ? imageSizes(parts) : null;
    const before = created("before");
    const since = created("since");
    const isWanted = (tag: Reference) => matchesAny(filters, "reference", (pattern) => matchesReference(tag, pattern));
    return parts.images
      .list()
      .filter((image) => {
        const tags = parts.images.tagsOf(image.id);
        const isNamed = tags.length > 0 || parts.images.repoDigestsOf(image.id).length > 0;
        const isDangling = !isNamed && parts.images.childrenOf(image.id).length === 0;
        if (dangling === true && !isDangling) return false;
        if (dangling === false && isDangling) return false;
        if (!options.all && !isNamed && !isDangling) return false;
        return (
          matchesLabels(image.config.config?.Labels ?? {}, filters) &&
          before.every((other) => createdMs(image) < createdMs(other)) &&
          since.every((other) => createdMs(image) > createdMs(other)) &&
          (!filters.has("reference") || tags.some(isWanted)) &&
          matchesAny(filters, "until", (until) => createdMs(image) < parseUntil(until))
        );
      })
      .sort((a, b) => createdMs(b) - createdMs(a))
      .map((image) => ({
        Id: image.id,
        ParentId: image.parentId ?? "",
        // Of a search for names only the names that were found, as in Docker.
        RepoTags: parts.images.tagsOf(image.id).filter(isWanted).map(familiarName),
        RepoDigests: parts.images.repoDigestsOf(image.id).map(familiarName),
        Created: Math.floor(createdMs(image) / 1000),
        Size: image.sizeBytes,
        SharedSize: sizes ? sizes.sharedBytes(image) : -1,
        Labels: image.config.config?.Labels ?? null,
        Containers: usersOf(parts, image.id).length,
      }));
  }

  inspect(reference: string) {
    const parts = this.#parts;
    const image = parts.images.resolve(reference);
    const { config } = image;
    return {
      Id: image.id,
      RepoTags: this.#repoTags(image),
      RepoDigests: parts.images.repoDigestsOf(image.id).map(familiarName),
      Parent: image.parentId ?? "",
      Comment: config.history?.at(-1)?.comment ?? "",
      Created: config.created ?? "",
      DockerVersion: "",
      Author: config.author ?? "",
      Config: config.config ?? {},
      Architecture: config.architecture,
      Os: config.os,
      Size: image.sizeBytes,
      GraphDriver: { Name: "overlay2", Data: {} },
      RootFS: { Type: "layers", Layers: diffIdsOf(config) },
      Metadata: { LastTagTime: lastTagTime(parts, image) },
    };
  }

  history(reference: string) {
    return historyOf(this.#parts.images, this.#parts.layers, this.#parts.images.resolve(reference));
  }

  /** @throws not-found; invalid for a name that is no reference. */
  tag(reference: string, repository: string, tag: string, reason: ReflogReason = "tag"): void {
    const image = this.#parts.images.resolve(reference);
    const name = parseRepositoryAndTag(repository, tag);
    this.#parts.images.tag(image.id, name, reason);
    this.#parts.events.emit("image", "tag", image.id, { name: familiarName(name) });
  }

  /**
   * Takes a name off an image, and removes the image with its last one. @throws not-found; conflict in Docker's words.
   */
  remove(reference: string, options: { force: boolean; noPrune: boolean }): Removal[] {
    const parts = this.#parts;
    const removals = removeImage(parts.images, reference, {
      force: options.force,
      prune: !options.noPrune,
      usersOf: (id) => usersOf(parts, id),
    });
    for (const removal of removals) {
      if ("Untagged" in removal) parts.events.emit("image", "untag", removal.Untagged, { name: removal.Untagged });
      else parts.events.emit("image", "delete", removal.Deleted, { name: removal.Deleted });
    }
    return removals;
  }

  /** Removes images that nothing uses: untagged ones, or with `dangling=false` all without a container. */
  prune(filters: Filters): { ImagesDeleted: Removal[] | null; SpaceReclaimed: number } {
    assertKnownFilters(filters, ["dangling", "until", "label", "label!"]);
    const parts = this.#parts;
    const onlyDangling = booleanFilter(filters, "dangling") ?? true;
    const before = parts.layers.allBytes();
    const removals: Removal[] = [];
    for (const image of parts.images.list()) {
      const tags = parts.images.tagsOf(image.id);
      if (parts.images.get(image.id) === null || usersOf(parts, image.id).length > 0) continue;
      // A container that is just being made, a build's step, a push: they will be users, or are.
      if (parts.layers.isBusy(image.chainId, (owner) => parts.containers.has(owner))) continue;
      const isNamed = tags.length > 0 || parts.images.repoDigestsOf(image.id).length > 0;
      if ((onlyDangling && isNamed) || parts.images.childrenOf(image.id).length > 0) continue;
      if (!matchesLabels(image.config.config?.Labels ?? {}, filters)) continue;
      if (!matchesAny(filters, "until", (until) => createdMs(image) < parseUntil(until))) continue;
      for (const tag of tags.slice(1))
        removals.push(...this.remove(familiarName(tag), { force: true, noPrune: false }));
      removals.push(...this.remove(image.id, { force: true, noPrune: false }));
    }
    parts.layers.sweep();
    return {
      ImagesDeleted: removals.length > 0 ? removals : null,
      SpaceReclaimed: before - parts.layers.allBytes(),
    };
  }

  /** Images as one archive for {@link load}, Docker and OCI tools alike. @throws not-found, before anything is sent. */
  save(names: readonly string[]): Readable {
    const { content, layers, images } = this.#parts;
    return saveImages(content, layers, images, names);
  }

  /** @throws invalid, naming what is wrong with the archive. */
  async *load(source: Readable, options: { abort?: AbortSignal }): AsyncGenerator<LoadProgress> {
    const { content, layers, images, events } = this.#parts;
    const loaded = yield* loadImages(content, layers, images, source, options.abort);
    for (const image of loaded) events.emit("image", "load", image.id, { name: image.id });
  }

  /** Makes an image of one layer of an archive of a root file system; says its id. @throws invalid. */
  async *import(source: Readable, options: ImportOptions): AsyncGenerator<{ status: string }> {
    const image = await importImage(this.#parts.layers, this.#parts.images, {
      source,
      config: options.config,
      comment: options.message || "Imported from -",
      tags: options.reference === null ? [] : [options.reference],
      signal: options.abort,
    });
    this.#parts.events.emit("image", "import", image.id, { name: image.id });
    yield { status: image.id };
  }

  #repoTags(image: Image): string[] {
    return this.#parts.images.tagsOf(image.id).map(familiarName);
  }
}

function createdMs(image: Image): number {
  const time = Date.parse(image.config.created ?? "");
  return Number.isNaN(time) ? 0 : time;
}

function lastTagTime(parts: EngineParts, image: Image): string {
  const since = parts.images.lastTaggedNs(image.id);
  return since === null ? ZERO_TIMESTAMP : formatTimestamp(since);
}

/** A shell pattern on `repository` or `repository:tag`, as a person writes them; `*` does not cross a slash. */
function matchesReference(reference: Reference, pattern: string): boolean {
  return matchesGlob(familiarName(reference), pattern) || matchesGlob(familiarRepository(reference), pattern);
}

function usersOf(parts: EngineParts, imageId: string) {
  return parts.containers
    .all()
    .filter((container) => container.imageId === imageId || container.rootImageId === imageId)
    .map(({ id, state }) => ({ id, running: state.status === "running" }));
}

/** `until` as Docker's prune takes it: a time, seconds since the epoch, or a length of time back from now (`24h`). */
export function parseUntil(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const length = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text);
  if (text !== "" && length) {
    const [, hours = "0", minutes = "0", seconds = "0"] = length;
    return Date.now() - ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
  }
  const time = Date.parse(text);
  if (Number.isNaN(time)) {
    fail(
      "invalid",
      "INVALID_FILTER",
      `invalid filter 'until=${text}': give a time (2026-01-31T12:00:00Z), seconds since 1970 or a length such as 24h`,
    );
  }
  return time;
}
