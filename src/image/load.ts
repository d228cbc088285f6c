import { createReadStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import type { Readable } from "node:stream";
import { type Spooled, spool } from "../snapshot/archive.ts";
import { ArchiveSpool, invalid } from "./archive-spool.ts";
import { diffIdsOf, parseImageConfig } from "./config.ts";
import type { ContentStore } from "./content-store.ts";
import { type DescribedImage, describeArchive, ManifestSchema } from "./describe-archive.ts";
import { type ChainId, chainIdsOf, type Digest, digestOf } from "./digest.ts";
import type { Image, ImageStore } from "./image-store.ts";
import type { LayerStore } from "./layer-store.ts";
import { familiarName, type Reference } from "./reference.ts";

/** A line of the Engine API's progress stream. */
export interface LoadProgress {
  readonly stream: string;
}

/**
 * Loads what `docker save` (any version since 1.10) or an OCI layout's archive holds, packed in any way. Layers that are
 * here already are not stored again; each image appears whole, with its names, or not at all.
 * @returns the images loaded, when the progress is at its end.
 * @throws invalid, naming what is wrong with the archive.
 */
export async function* loadImages(
  content: ContentStore,
  layers: LayerStore,
  images: ImageStore,
  source: Readable,
  signal?: AbortSignal,
): AsyncGenerator<LoadProgress, Image[]> {
  const directory = content.stagingPath();
  await mkdir(directory, { mode: 0o700 });
  try {
    const archive = new ArchiveSpool(directory, await spool(source, directory, signal));
    const loaded: Image[] = [];
    for (const described of await describeArchive(archive)) {
      const before = described.tags.map((tag) => images.find(familiarName(tag)));
      const image = await loadOne({ archive, content, layers, images }, described, signal);
      loaded.push(image);
      yield* progressOf(image, described.tags, before);
    }
    return loaded;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function* progressOf(
  image: Image,
  tags: readonly Reference[],
  before: readonly (Image | null)[],
): Generator<LoadProgress> {
  if (tags.length === 0) yield { stream: `Loaded image ID: ${image.id}\n` };
  for (const [index, tag] of tags.entries()) {
    const old = before[index];
    if (old && old.id !== image.id) {
      yield {
        stream: `The image ${familiarName(tag)} already exists, renaming the old one with ID ${old.id} to empty string\n`,
      };
    }
    yield { stream: `Loaded image: ${familiarName(tag)}\n` };
  }
}

interface Loading {
  readonly archive: ArchiveSpool;
  readonly content: ContentStore;
  readonly layers: LayerStore;
  readonly images: ImageStore;
}

async function loadOne(
  loading: Loading,
  { config, layers: files, tags, manifest }: DescribedImage,
  signal?: AbortSignal,
): Promise<Image> {
  const { layers, images } = loading;
  const diffIds = diffIdsOf(parseImageConfig(config));
  if (diffIds.length !== files.length) {
    invalid(`invalid manifest, layers length mismatch: expected ${diffIds.length}, got ${files.length}`);
  }
  const chain = chainIdsOf(diffIds);
  using _hold = layers.hold(chain);
  let top: ChainId | null = null;
  for (const [index, file] of files.entries()) {
    const [chainId, diffId] = [chain[index], diffIds[index]];
    if (chainId === undefined || diffId === undefined) break;
    if (!layers.find(chainId)) await storeLayer(loading, top, file, diffId, signal);
    top = chainId;
  }
  // Of layers that were here before: now, in the loading that the user waits for anyway, and not in the first start.
  await layers.lower(top);
  // Awaited here: the hold ends with this function.
  return await images.create({
    config,
    topChainId: top,
    parentId: null,
    tags,
    reason: "load",
    ...(manifest && describesStored(manifest, digestOf(config), layers, top) && { manifest }),
  });
}

/** Plain archives are unpacked where they lie; packed ones as they are stored, for some must be stored inflated. */
async function storeLayer(
  { archive, content, layers }: Loading,
  parent: ChainId | null,
  file: Spooled,
  diffId: Digest,
  signal?: AbortSignal,
): Promise<void> {
  const path = archive.pathOf(file);
  if (file.digest !== diffId) {
    const source = createReadStream(path, { highWaterMark: 1024 * 1024 });
    await layers.import(parent, source, { expectedDiffId: diffId, signal });
    return;
  }
  // Of equal layers in one archive the first has taken the file away.
  const staged = content.stageExisting(diffId) ?? { path, digest: diffId, sizeBytes: file.size };
  try {
    await layers.importStaged(parent, staged, diffId, signal);
  } finally {
    if (staged.path !== path) content.unstage(staged.path);
  }
}

/** Whether a manifest that came along tells of the blobs as they are stored here: then its digest stays the image's. */
function describesStored(manifest: Buffer, id: Digest, layers: LayerStore, top: ChainId | null): boolean {
  const parsed = ManifestSchema.safeParse(JSON.parse(manifest.toString()));
  if (!parsed.success || parsed.data.config.digest !== id) return false;
  const told = parsed.data.layers.map((layer) => layer.digest);
  const stored = layers.stack(top).map((layer) => layer.blob.digest);
  return told.length === stored.length && told.every((digest, index) => digest === stored[index]);
}
