import { Readable } from "node:stream";
import { fail } from "../base/errors.ts";
import type { ContentStore } from "./content-store.ts";
import { type Digest, hexOf } from "./digest.ts";
import { type Image, type ImageStore, isIdOf } from "./image-store.ts";
import type { Layer } from "./layer-record.ts";
import type { LayerStore } from "./layer-store.ts";
import { manifestTypeOf, OCI_INDEX } from "./media-types.ts";
import { canonicalName, familiarName, familiarRepository, parseName, type Reference } from "./reference.ts";
import { TAR_END, tarHeader, tarPadding } from "./tar-header.ts";

interface SavedImage {
  readonly image: Image;
  readonly layers: readonly Layer[];
  readonly tags: readonly Reference[];
  /** Config and manifest are at hand, for the image itself may be removed while its layers go. */
  readonly config: Buffer;
  readonly manifest: Buffer;
}

/**
 * Images as one archive that is a docker archive and an OCI layout at once, as Docker 25 and later write it. Equal images
 * give equal archives.
 * @param names as users type them: an id saves no name, `busybox` all names of that repository.
 * @throws not-found `IMAGE_NOT_FOUND`, before anything is sent.
 */
export function saveImages(
  content: ContentStore,
  layers: LayerStore,
  images: ImageStore,
  names: readonly string[],
): Readable {
  if (names.length === 0) fail("invalid", "NO_IMAGES", "no image was named: give at least one name or id to save");
  const saved = collect(images, names).map(({ image, tags }) => describe(content, layers, image, tags));
  return stream(content, layers, saved);
}

/** As {@link saveImages}, of one image under names that it need not have here. */
export function saveImage(
  content: ContentStore,
  layers: LayerStore,
  image: Image,
  tags: readonly Reference[],
): Readable {
  return stream(content, layers, [describe(content, layers, image, tags)]);
}

/** Each image once, with all the names asked for. */
function collect(
  images: ImageStore,
  names: readonly string[],
): { readonly image: Image; readonly tags: readonly Reference[] }[] {
  const byId = new Map<Digest, { image: Image; tags: Map<string, Reference> }>();
  const add = (image: Image, tag: Reference | null) => {
    const saved = byId.get(image.id) ?? { image, tags: new Map() };
    byId.set(image.id, saved);
    if (tag) saved.tags.set(canonicalName(tag), tag);
  };
  for (const name of names) {
    const image = images.find(name);
    if (image && isIdOf(image, name)) {
      add(image, null);
      continue;
    }
    const reference = parseName(name);
    if (reference.tag !== null || reference.digest !== null) {
      add(images.resolve(name), reference.tag === null ? null : { ...reference, digest: null });
      continue;
    }
    const all = images.tagsIn(reference);
    if (all.length === 0) images.resolve(name);
    for (const { reference: tag, imageId } of all) add(images.resolve(imageId), tag);
  }
  return [...byId.values()].map(({ image, tags }) => ({ image, tags: [...tags.values()] }));
}

function describe(content: ContentStore, layers: LayerStore, image: Image, tags: readonly Reference[]): SavedImage {
  return {
    image,
    layers: layers.stack(image.chainId),
    tags,
    config: content.readDocument(image.id),
    manifest: content.readDocument(image.manifestDigest),
  };
}

function stream(content: ContentStore, layers: LayerStore, saved: readonly SavedImage[]): Readable {
  return Readable.from(archive(content, layers, saved), { objectMode: false, highWaterMark: 256 * 1024 });
}

async function* archive(
  content: ContentStore,
  layers: LayerStore,
  saved: readonly SavedImage[],
): AsyncGenerator<Buffer> {
  using _layers = layers.hold(saved.flatMap((one) => one.layers.map(({ chainId }) => chainId)));
  yield tarHeader("blobs/", 0);
  yield tarHeader("blobs/sha256/", 0);
  const blobs = new Map<Digest, Buffer | number>();
  for (const { image, config, manifest, layers: stack } of saved) {
    blobs.set(image.id, config);
    blobs.set(image.manifestDigest, manifest);
    for (const { blob } of stack) blobs.set(blob.digest, blob.sizeBytes);
  }
  for (const digest of [...blobs.keys()].sort()) {
    const blob = blobs.get(digest) ?? 0;
    if (typeof blob === "number") yield* largeFile(content, digest, blob);
    else yield* file(blobName(digest), blob);
  }
  yield* file("index.json", json(index(saved)));
  yield* file("manifest.json", json(saved.map(dockerManifest)));
  yield* file("oci-layout", json({ imageLayoutVersion: "1.0.0" }));
  yield* file("repositories", json(repositories(saved)));
  yield TAR_END;
}

function* file(name: string, bytes: Buffer): Generator<Buffer> {
  yield tarHeader(name, bytes.length);
  yield bytes;
  yield tarPadding(bytes.length);
}

async function* largeFile(content: ContentStore, digest: Digest, sizeBytes: number): AsyncGenerator<Buffer> {
  yield tarHeader(blobName(digest), sizeBytes);
  yield* content.read(digest);
  yield tarPadding(sizeBytes);
}

function index(saved: readonly SavedImage[]): unknown {
  const manifests = saved.flatMap(({ image, manifest, tags }) => {
    const entry = { mediaType: manifestTypeOf(manifest), digest: image.manifestDigest, size: manifest.length };
    if (tags.length === 0) return [entry];
    return tags.map((tag) => ({
      ...entry,
      annotations: {
        "io.containerd.image.name": canonicalName(tag),
        "org.opencontainers.image.ref.name": tag.tag,
      },
    }));
  });
  return { schemaVersion: 2, mediaType: OCI_INDEX, manifests };
}

function dockerManifest({ image, layers, tags }: SavedImage): unknown {
  return {
    Config: blobName(image.id),
    RepoTags: tags.length ? tags.map(familiarName) : null,
    Layers: layers.map(({ blob }) => blobName(blob.digest)),
    LayerSources: Object.fromEntries(
      layers.map(({ diffId, blob }) => [
        diffId,
        { mediaType: blob.mediaType, size: blob.sizeBytes, digest: blob.digest },
      ]),
    ),
  };
}

/** Read by Docker before 1.10 alone, but still written by Docker: a name's top layer. */
function repositories(saved: readonly SavedImage[]): unknown {
  const names: Record<string, Record<string, string>> = {};
  for (const { image, layers, tags } of saved) {
    for (const tag of tags) {
      const repository = familiarRepository(tag);
      const top = hexOf(layers.at(-1)?.blob.digest ?? image.id);
      names[repository] = { ...names[repository], [tag.tag ?? ""]: top };
    }
  }
  return names;
}

function blobName(digest: Digest): string {
  return `blobs/sha256/${hexOf(digest)}`;
}

function json(document: unknown): Buffer {
  return Buffer.from(JSON.stringify(document));
}
