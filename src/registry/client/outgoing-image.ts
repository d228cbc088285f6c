import { fail } from "../../base/errors.ts";
import type { Digest } from "../../image/digest.ts";
import type { Image } from "../../image/image-store.ts";
import type { LayerBlob } from "../../image/layer-blobs.ts";
import { makeManifest } from "../../image/make-manifest.ts";
import { type Descriptor, isForeign, parseManifest } from "../protocol/manifest-document.ts";
import type { RegistryParts } from "../registry-parts.ts";

/** An image as a registry is to get it. */
export interface OutgoingImage {
  readonly mediaType: string;
  readonly config: Descriptor;
  /** At hand, for the image itself may be removed while its layers go. */
  readonly configBytes: Buffer;
  /** Lowest first. */
  readonly layers: readonly OutgoingLayer[];
  /** @param sent the form in which each layer went. */
  manifest(sent: readonly LayerBlob[]): Uint8Array;
}

export interface OutgoingLayer {
  readonly diffId: Digest;
  /** A registry need not have it, so that it is not sent (OCI image spec, layer.md, non-distributable). */
  readonly isForeign: boolean;
  /** The archive in the form in which it goes; packing it may take a while. */
  blob(signal: AbortSignal): Promise<LayerBlob>;
}

/**
 * What came with a manifest of its own goes with that manifest and the very blobs that it names: its digest is known. An image
 * that was made here has none that anybody knows, and its layers, stored plain, go compressed.
 * @throws internal `MANIFEST_INVALID`
 */
export function outgoingImage({ content, layers, images }: RegistryParts, image: Image): OutgoingImage {
  const bytes = content.readDocument(image.manifestDigest);
  const document = parseManifest(bytes, "");
  if (document.kind !== "image") {
    return fail("internal", "MANIFEST_INVALID", `image ${image.id} has no manifest of its own`);
  }
  const { mediaType, manifest } = document;
  const config = { digest: manifest.config.digest, sizeBytes: manifest.config.size };
  const stack = layers.stack(image.chainId);
  const isKnown = images.repoDigestsOf(image.id).some(({ digest }) => digest === image.manifestDigest);
  const stored = stack.map(({ blob }) => blob);
  const isMadeHere = !isKnown && bytes.equals(makeManifest(config, stored));
  return {
    mediaType,
    config: manifest.config,
    configBytes: content.readDocument(image.id),
    layers: stack.map(({ diffId, blob }, index) => {
      const descriptor = manifest.layers[index];
      return {
        diffId,
        isForeign: descriptor !== undefined && isForeign(descriptor),
        blob: async (signal) => (isMadeHere ? layers.blobs.packed(blob, signal) : blob),
      };
    }),
    manifest: (sent) => (isMadeHere ? makeManifest(config, sent) : bytes),
  };
}
