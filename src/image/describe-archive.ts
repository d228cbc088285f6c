import { z } from "zod";
import type { Spooled } from "../snapshot/archive.ts";
import { type ArchiveSpool, blobName, invalid, parseJson } from "./archive-spool.ts";
import { hostArchitecture } from "./config.ts";
import { type Digest, digestOf, parseDigest } from "./digest.ts";
import { DOCKER_MANIFEST_LIST, OCI_INDEX } from "./media-types.ts";
import { parseReference, type Reference } from "./reference.ts";

const DigestSchema = z.string().transform((text) => parseDigest(text));
const DescriptorSchema = z.looseObject({
  mediaType: z.string().nullish(),
  digest: DigestSchema,
  annotations: z.record(z.string(), z.string()).nullish(),
  platform: z.looseObject({ os: z.string().nullish(), architecture: z.string().nullish() }).nullish(),
});
type Descriptor = z.infer<typeof DescriptorSchema>;

const IndexSchema = z.looseObject({ manifests: z.array(DescriptorSchema).max(10_000) });
/** An image's manifest, as far as loading needs it. */
export const ManifestSchema = z.looseObject({
  config: DescriptorSchema,
  layers: z.array(DescriptorSchema).max(10_000),
});

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
export interface DescribedImage {
  readonly config: Buffer;
  /** The layers' archives, lowest first. */
  readonly layers: readonly Spooled[];
  readonly tags: readonly Reference[];
  readonly manifest: Buffer | null;
}

/**
 * The images of a docker archive or an OCI layout.
 * @throws invalid `INVALID_IMAGE_ARCHIVE`, naming what is wrong with it.
 */
export async function describeArchive(archive: ArchiveSpool): Promise<DescribedImage[]> {
  if (archive.has("manifest.json")) return describeDocker(archive);
  if (archive.has("index.json")) return describeLayout(archive);
  return invalid("invalid archive: it has neither a manifest.json (docker save) nor an index.json (OCI layout)");
}

async function describeDocker(archive: ArchiveSpool): Promise<DescribedImage[]> {
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

async function describeLayout(archive: ArchiveSpool): Promise<DescribedImage[]> {
  const byDigest = new Map<Digest, DescribedImage & { tags: Reference[] }>();
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
async function manifestsOf(archive: ArchiveSpool, indexPath: string): Promise<FoundManifest[]> {
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
