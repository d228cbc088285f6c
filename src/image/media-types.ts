import { fail } from "../base/errors.ts";

/** OCI image spec, media-types.md. */
export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const OCI_CONFIG = "application/vnd.oci.image.config.v1+json";
export const OCI_LAYER = "application/vnd.oci.image.layer.v1.tar";

/** Docker's image manifest version 2, schema 2. */
export const DOCKER_MANIFEST_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
export const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";

/** How a layer's archive is packed; others (xz, bzip2) have no media type and are stored inflated. */
export type LayerCompression = "none" | "gzip" | "zstd";

const COMPRESSION_OF: Record<string, LayerCompression> = {
  [OCI_LAYER]: "none",
  [`${OCI_LAYER}+gzip`]: "gzip",
  [`${OCI_LAYER}+zstd`]: "zstd",
  "application/vnd.docker.image.rootfs.diff.tar": "none",
  "application/vnd.docker.image.rootfs.diff.tar.gzip": "gzip",
};

export function layerMediaType(compression: LayerCompression): string {
  return compression === "none" ? OCI_LAYER : `${OCI_LAYER}+${compression}`;
}

/** @throws invalid `UNKNOWN_LAYER_TYPE` */
export function compressionOf(mediaType: string): LayerCompression {
  return (
    COMPRESSION_OF[mediaType] ??
    fail(
      "invalid",
      "UNKNOWN_LAYER_TYPE",
      `layer of media type ${JSON.stringify(mediaType)}: only tar, plain, gzip or zstd`,
    )
  );
}

/** What an image's manifest says that it is: a registry may have given us one of Docker's, which stays as it came. */
export function manifestTypeOf(document: Uint8Array): string {
  const { mediaType }: { mediaType?: unknown } = JSON.parse(new TextDecoder().decode(document));
  return mediaType === DOCKER_MANIFEST ? DOCKER_MANIFEST : OCI_MANIFEST;
}
