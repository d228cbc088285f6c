import { fail } from "../../base/errors.ts";
import { diffIdsOf, type ImageConfig, parseImageConfig } from "../../image/config.ts";
import { type ChainId, chainIdsOf, type Digest, digestOf } from "../../image/digest.ts";
import { compressionOf, OCI_CONFIG } from "../../image/media-types.ts";
import type { Descriptor, ImageManifest } from "../protocol/manifest-document.ts";
import type { RegistrySession } from "./registry-session.ts";
import { readBody } from "./transport.ts";

const CONFIG_TYPES = [OCI_CONFIG, "application/vnd.docker.container.image.v1+json"];
const CONFIG_LIMIT_BYTES = 4 * 1024 * 1024;

/** Layers that a registry need not have: they are packed as their plain siblings are. */
const FOREIGN_TYPES: Readonly<Record<string, string>> = {
  "application/vnd.docker.image.rootfs.foreign.diff.tar": "application/vnd.docker.image.rootfs.diff.tar",
  "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip": "application/vnd.docker.image.rootfs.diff.tar.gzip",
  "application/vnd.docker.image.rootfs.diff.tar.zstd": "application/vnd.oci.image.layer.v1.tar+zstd",
  "application/vnd.oci.image.layer.nondistributable.v1.tar": "application/vnd.oci.image.layer.v1.tar",
  "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip": "application/vnd.oci.image.layer.v1.tar+gzip",
  "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd": "application/vnd.oci.image.layer.v1.tar+zstd",
};

/** A layer as the manifest and the config together describe it. */
export interface DescribedLayer {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
  readonly chainId: ChainId;
}

export interface DescribedImage {
  readonly config: ImageConfig;
  readonly configBytes: Buffer;
  /** Lowest first. */
  readonly layers: readonly DescribedLayer[];
}

/**
 * Fetches an image's config and matches it with the manifest's layers.
 * @throws invalid for what is no image (a chart, a signature), or where config and manifest do not fit each other.
 */
export async function describeImage(
  session: RegistrySession,
  repository: string,
  manifest: ImageManifest,
): Promise<DescribedImage> {
  if (!CONFIG_TYPES.includes(manifest.config.mediaType)) {
    fail(
      "invalid",
      "NO_IMAGE",
      `Encountered remote ${JSON.stringify(manifest.config.mediaType)}(unknown) when fetching`,
    );
  }
  const configBytes = await fetchConfig(session, repository, manifest.config);
  const config = parseImageConfig(configBytes);
  const diffIds = diffIdsOf(config);
  if (diffIds.length !== manifest.layers.length) {
    fail(
      "invalid",
      "LAYERS_MISMATCH",
      `invalid manifest, layers length mismatch: expected ${diffIds.length}, got ${manifest.layers.length}`,
    );
  }
  const chain = chainIdsOf(diffIds);
  const layers = manifest.layers.map((descriptor, index): DescribedLayer => {
    compressionOf(FOREIGN_TYPES[descriptor.mediaType] ?? descriptor.mediaType);
    const [diffId, chainId] = [diffIds[index], chain[index]];
    // The lengths are equal, so that both are there.
    if (!diffId || !chainId) return fail("internal", "LAYERS_MISMATCH", "a layer has no diffID");
    return { descriptor, diffId, chainId };
  });
  return { config, configBytes, layers };
}

async function fetchConfig(session: RegistrySession, repository: string, descriptor: Descriptor): Promise<Buffer> {
  const { digest, size } = descriptor;
  if (size > CONFIG_LIMIT_BYTES) {
    fail("invalid", "CONFIG_TOO_LONG", `image config ${digest} is longer than ${CONFIG_LIMIT_BYTES} bytes`);
  }
  const response = await session.send({ method: "GET", target: `${repository}/blobs/${digest}` }, [200]);
  const bytes = await readBody(response, CONFIG_LIMIT_BYTES);
  if (digestOf(bytes) !== digest || bytes.length !== size) {
    fail("invalid", "DIGEST_MISMATCH", `image config verification failed for digest ${digest}`);
  }
  return bytes;
}
