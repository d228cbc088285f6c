import { Readable } from "node:stream";
import type { ImageConfig } from "../../src/image/config.ts";
import type { ChainId, Digest } from "../../src/image/digest.ts";
import type { Image, ImageStore } from "../../src/image/image-store.ts";
import type { LayerStore } from "../../src/image/layer-store.ts";
import { parseReference } from "../../src/image/reference.ts";
import { type Member, tar } from "../snapshot/tar-fixture.ts";

interface Stores {
  readonly layers: LayerStore;
  readonly images: ImageStore;
}

/** An image of the given layers, lowest first, on top of `parent`'s where there is one. */
export async function layeredImage(
  { layers, images }: Stores,
  content: readonly (readonly Member[])[],
  options: { tags?: readonly string[]; parent?: Image; cmd?: string } = {},
): Promise<Image> {
  const { parent } = options;
  let top: ChainId | null = parent?.chainId ?? null;
  const diffIds: Digest[] = [...(parent?.config.rootfs.diff_ids ?? [])];
  const history = [...(parent?.config.history ?? [])];
  for (const members of content) {
    const layer = await layers.import(top, Readable.from([tar(...members)]));
    top = layer.chainId;
    diffIds.push(layer.diffId);
    history.push({ created: "2026-01-01T00:00:00Z", created_by: `layer ${diffIds.length}` });
  }
  const config: ImageConfig = {
    architecture: "amd64",
    os: "linux",
    created: "2026-01-01T00:00:00Z",
    config: { Cmd: [options.cmd ?? "sh"] },
    rootfs: { type: "layers", diff_ids: diffIds },
    history,
  };
  const tags = (options.tags ?? []).map(parseReference);
  return images.create({ config, topChainId: top, parentId: parent?.id ?? null, tags });
}
