import { Readable } from "node:stream";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { digestOf } from "../../src/image/digest.ts";
import type { Image } from "../../src/image/image-store.ts";
import { OCI_CONFIG, OCI_MANIFEST } from "../../src/image/media-types.ts";
import { parseReference, type Reference } from "../../src/image/reference.ts";
import { TAR_END, tarHeader, tarPadding } from "../../src/image/tar-header.ts";
import type { RegistryParts } from "../../src/registry/registry-parts.ts";

/** How a layer is packed when it is stored. */
export type Packing = "plain" | "gzip" | "zstd";

const PACK: Readonly<Record<Packing, (tar: Buffer) => Buffer>> = {
  plain: (tar) => tar,
  gzip: (tar) => gzipSync(tar, { level: 1 }),
  zstd: (tar) => zstdCompressSync(tar),
};

/** An archive of one file. */
export function layerOf(name: string, content: Buffer): Buffer {
  return Buffer.concat([tarHeader(name, content.length), content, tarPadding(content.length), TAR_END]);
}

/** An image of the given layers, each with one file, and a manifest that nobody here made, so that it goes as it is. */
export async function makeImage(
  parts: RegistryParts,
  name: string,
  layers: readonly { readonly content: Buffer; readonly packing: Packing }[],
): Promise<{ image: Image; reference: Reference }> {
  const reference = parseReference(name);
  const diffIds: string[] = [];
  let top = null;
  for (const [index, { content, packing }] of layers.entries()) {
    const layer = await parts.layers.import(top, Readable.from([PACK[packing](layerOf(`file-${index}`, content))]));
    diffIds.push(layer.diffId);
    top = layer.chainId;
  }
  const config = {
    architecture: "amd64",
    os: "linux",
    config: { Cmd: ["true"], Labels: { name } },
    rootfs: { type: "layers", diff_ids: diffIds },
    history: layers.map((_, index) => ({ created_by: `layer ${index}` })),
  };
  const configBytes = Buffer.from(JSON.stringify(config));
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: OCI_CONFIG, digest: digestOf(configBytes), size: configBytes.length },
    layers: parts.layers
      .stack(top)
      .map(({ blob: { mediaType, digest, sizeBytes } }) => ({ mediaType, digest, size: sizeBytes })),
    annotations: { name },
  };
  const image = await parts.images.create({
    config: configBytes,
    manifest: Buffer.from(JSON.stringify(manifest)),
    topChainId: top,
    parentId: null,
    tags: [reference],
  });
  return { image, reference };
}
