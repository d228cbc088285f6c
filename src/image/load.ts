import { createReadStream } from "node:fs";
import { mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { z } from "zod";
import { fail, messageOf } from "../base/errors.ts";
import { type Spooled, spool } from "../snapshot/archive.ts";
import { diffIdsOf, hostArchitecture, parseImageConfig } from "./config.ts";
import type { ContentStore } from "./content-store.ts";
import { type ChainId, chainIdsOf, type Digest, digestOf, hexOf, parseDigest } from "./digest.ts";
import type { Image, ImageStore } from "./image-store.ts";
import type { LayerStore } from "./layer-store.ts";
import { DOCKER_MANIFEST_LIST, OCI_INDEX } from "./media-types.ts";
import { familiarName, parseReference, type Reference } from "./reference.ts";

/** A line of the Engine API's progress stream. */
export interface LoadProgress {
  readonly stream: string;
}

/** Documents in an archive; larger ones are not what they claim to be. */
const DOCUMENT_LIMIT_BYTES = 4 * 1024 * 1024;
/** Links among the files of one archive. */
const LINK_LIMIT = 16;

const DigestSchema = z.string().transform((text) => parseDigest(text));
const DescriptorSchema = z.looseObject({
  mediaType: z.string().nullish(),
  digest: DigestSchema,
  annotations: z.record(z.string(), z.string()).nullish(),
  platform: z.looseObject({ os: z.string().nullish(), architecture: z.string().nullish() }).nullish(),
});
type Descriptor = z.infer<typeof DescriptorSchema>;

const IndexSchema = z.looseObject({ manifests: z.array(DescriptorSchema).max(10_000) });
const ManifestSchema = z.looseObject({ config: DescriptorSchema, layers: z.array(DescriptorSchema).max(10_000) });

/** manifest.json of a docker archive: paths inside the archive. */
const DockerManifestsSchema = z
  .array(
    z.looseObject({
      Config: z.string(),
      RepoTags: z.array(z.string()).nullish(),
      Layers: z.array(z.string()).nullish(),
    }),
  )
  .max(10_000);

/** An image as an archive describes it. */
interface Described {
  readonly config: Buffer;
  /** The layers' archives, lowest first. */
  readonly layers: readonly Spooled[];
  readonly tags: readonly Reference[];
  readonly manifest: Buffer | null;
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
    const archive = new Spool(directory, await spool(source, directory, signal));
    const loaded: Image[] = [];
    for (const described of await describe(archive)) {
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
  readonly archive: Spool;
  readonly content: ContentStore;
  readonly layers: LayerStore;
  readonly images: ImageStore;
}

async function loadOne(
  loading: Loading,
  { config, layers: files, tags, manifest }: Described,
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

async function describe(archive: Spool): Promise<Described[]> {
  if (archive.has("manifest.json")) return describeDocker(archive);
  if (archive.has("index.json")) return describeLayout(archive);
  return invalid("invalid archive: it has neither a manifest.json (docker save) nor an index.json (OCI layout)");
}

async function describeDocker(archive: Spool): Promise<Described[]> {
  const manifests = await archive.json("manifest.json", DockerManifestsSchema);
  const byConfig = new Map<Digest, Buffer>();
  for (const manifest of archive.has("index.json") ? await manifestsOf(archive, "index.json") : []) {
    const { config } = parseJson(manifest.bytes, blobName(manifest.descriptor.digest), ManifestSchema);
    byConfig.set(config.digest, manifest.bytes);
  }
  return Promise.all(
    manifests.map(async ({ Config, RepoTags, Layers }) => {
      const config = await archive.bytes(Config);
      return {
        config,
        layers: (Layers ?? []).map((path) => archive.file(path)),
        tags: (RepoTags ?? []).map(parseReference),
        manifest: byConfig.get(digestOf(config)) ?? null,
      };
    }),
  );
}

async function describeLayout(archive: Spool): Promise<Described[]> {
  const byDigest = new Map<Digest, Described & { tags: Reference[] }>();
  for (const { descriptor, bytes } of await manifestsOf(archive, "index.json")) {
    const tag = tagOf(descriptor);
    const known = byDigest.get(descriptor.digest);
    if (known) {
      if (tag) known.tags.push(tag);
      continue;
    }
    const manifest = parseJson(bytes, blobName(descriptor.digest), ManifestSchema);
    byDigest.set(descriptor.digest, {
      config: await archive.blob(manifest.config.digest),
      layers: manifest.layers.map((layer) => archive.file(blobName(layer.digest))),
      tags: tag ? [tag] : [],
      manifest: bytes,
    });
  }
  return [...byDigest.values()];
}

interface FoundManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
}

/** The image manifests of an index; of a nested one (an image for several platforms) the one for this machine. */
async function manifestsOf(archive: Spool, indexPath: string): Promise<FoundManifest[]> {
  const { manifests } = await archive.json(indexPath, IndexSchema);
  const found: FoundManifest[] = [];
  for (const descriptor of manifests) {
    const isIndex = descriptor.mediaType === OCI_INDEX || descriptor.mediaType === DOCKER_MANIFEST_LIST;
    if (!isIndex) {
      found.push({ descriptor, bytes: await archive.blob(descriptor.digest) });
      continue;
    }
    const nested = parseJson(await archive.blob(descriptor.digest), blobName(descriptor.digest), IndexSchema);
    const ours = nested.manifests.find(
      ({ platform }) => platform?.os === "linux" && platform.architecture === hostArchitecture(),
    );
    if (!ours) invalid(`invalid archive: the image has nothing for linux/${hostArchitecture()}`);
    found.push({
      descriptor: { ...ours, annotations: descriptor.annotations },
      bytes: await archive.blob(ours.digest),
    });
  }
  return found;
}

/** containerd's annotation has the whole name; OCI's is one if it has a tag in it, and otherwise only a tag for nothing. */
function tagOf({ annotations }: Descriptor): Reference | null {
  const name = annotations?.["io.containerd.image.name"] ?? annotations?.["org.opencontainers.image.ref.name"];
  return name?.includes(":") ? parseReference(name) : null;
}

/** The files of an archive, out of which nothing has been made yet. */
class Spool {
  readonly #files: ReadonlyMap<string, Spooled>;

  constructor(
    private readonly directory: string,
    spooled: readonly Spooled[],
  ) {
    this.#files = new Map(spooled.map((file) => [file.name, file]));
  }

  has(name: string): boolean {
    return this.#files.has(name);
  }

  pathOf(file: Spooled): string {
    return join(this.directory, String(file.file));
  }

  file(name: string): Spooled {
    let wanted = name;
    for (let links = 0; links < LINK_LIMIT; links++) {
      const found = this.#files.get(wanted);
      if (!found) break;
      if (found.kind === "file") return found;
      wanted = found.target;
    }
    return invalid(`invalid archive: ${JSON.stringify(name)} is missing in it`);
  }

  async bytes(name: string): Promise<Buffer> {
    const found = this.file(name);
    if (found.size > DOCUMENT_LIMIT_BYTES) invalid(`invalid archive: ${JSON.stringify(name)} is too large`);
    await using handle = await open(this.pathOf(found));
    return handle.readFile();
  }

  /** A blob that is what its name says. */
  async blob(digest: Digest): Promise<Buffer> {
    const name = blobName(digest);
    if (this.file(name).digest !== digest)
      invalid(`invalid archive: ${JSON.stringify(name)} is not what its name says`);
    return this.bytes(name);
  }

  async json<T>(name: string, schema: z.ZodType<T>): Promise<T> {
    return parseJson(await this.bytes(name), name, schema);
  }
}

function parseJson<T>(bytes: Buffer, name: string, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(bytes.toString()));
  } catch (error) {
    const why = error instanceof z.ZodError ? (error.issues[0]?.message ?? "") : messageOf(error);
    return fail("invalid", "INVALID_IMAGE_ARCHIVE", `invalid archive: ${JSON.stringify(name)}: ${why}`, {
      cause: error,
    });
  }
}

function blobName(digest: Digest): string {
  return `blobs/sha256/${hexOf(digest)}`;
}

function invalid(message: string): never {
  fail("invalid", "INVALID_IMAGE_ARCHIVE", message);
}
