import type { Digest } from "./digest.ts";
import type { LayerBlob } from "./layer-blobs.ts";
import { OCI_CONFIG, OCI_MANIFEST } from "./media-types.ts";

/** The manifest of an image that was made here (OCI image spec, manifest.md). The same image has the same bytes everywhere. */
export function makeManifest(
  config: { readonly digest: Digest; readonly sizeBytes: number },
  layers: readonly LayerBlob[],
): Uint8Array {
  const document = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: OCI_CONFIG, digest: config.digest, size: config.sizeBytes },
    layers: layers.map(({ mediaType, digest, sizeBytes }) => ({ mediaType, digest, size: sizeBytes })),
  };
  return new TextEncoder().encode(JSON.stringify(document));
}
