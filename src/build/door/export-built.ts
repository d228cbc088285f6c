import { fail } from "../../base/errors.ts";
import type { Digest } from "../../image/digest.ts";
import type { Image } from "../../image/image-store.ts";
import { familiarName, parseReference, withDefaultTag } from "../../image/reference.ts";
import { saveImage } from "../../image/save.ts";
import { exportTar } from "../../snapshot/archive.ts";
import type { BuildParts } from "../build-parts.ts";
import type { BuiltImage } from "../dockerfile-request.ts";
import type { StatusSink } from "../graph/status.ts";
import { vertexOf } from "../graph/vertex.ts";
import { VertexReporter } from "../graph/vertex-reporter.ts";
import { squashedImage } from "../squash.ts";
import type { BuildOrder, Output } from "./build-order.ts";

export interface Exported {
  readonly imageId: Digest | null;
  readonly tags: readonly string[];
}

interface ExportContext {
  readonly status: StatusSink;
  readonly output: (bytes: Uint8Array) => Promise<void>;
  readonly abort: AbortSignal;
}

/** Puts a built image where it was ordered: into the store, or on the stream as an archive of the image or of its files. */
export async function exportBuilt(
  parts: BuildParts,
  built: BuiltImage,
  { outputs, squash }: BuildOrder,
  context: ExportContext,
): Promise<Exported> {
  let exported: Exported = { imageId: null, tags: [] };
  for (const output of outputs) {
    const reporter = new VertexReporter(
      vertexOf({ kind: "merge" }, [], { name: `exporting to ${output.type}` }),
      context.status,
    );
    await reporter.started();
    if (output.type === "image") exported = await storeImage(parts, built, output, squash);
    else await sendArchive(parts, built, output, squash, context);
    await reporter.completed(false);
  }
  return exported;
}

async function createImage(parts: BuildParts, built: BuiltImage, squash: boolean): Promise<Image> {
  const image = await parts.images.create({ config: built.config, topChainId: built.chainId, parentId: null });
  if (!squash) return image;
  const id = await squashedImage(parts, image, built.base);
  return parts.images.get(id) ?? image;
}

async function storeImage(parts: BuildParts, built: BuiltImage, { tags }: Output, squash: boolean): Promise<Exported> {
  const image = await createImage(parts, built, squash);
  const names = tags.map((tag) => withDefaultTag(parseReference(tag)));
  for (const name of names) parts.tag(image.id, name);
  return { imageId: image.id, tags: names.map(familiarName) };
}

async function sendArchive(
  parts: BuildParts,
  built: BuiltImage,
  output: Output,
  squash: boolean,
  { output: send, abort }: ExportContext,
): Promise<void> {
  if (output.type === "tar" || output.type === "local") {
    const root = await parts.layers.root(built.chainId);
    for await (const bytes of exportTar(root, { signal: abort })) await send(bytes);
    return;
  }
  const before = new Set(parts.images.list().map(({ id }) => id));
  const image = await createImage(parts, built, squash);
  try {
    const names = output.tags.map((tag) => withDefaultTag(parseReference(tag)));
    for await (const bytes of saveImage(parts.content, parts.layers, image, names)) {
      if (abort.aborted) fail("cancelled", "BUILD_CANCELLED", "Build cancelled");
      await send(bytes);
    }
  } finally {
    // It was stored for as long as it is sent, unless somebody has it.
    const isNobodys = !before.has(image.id) && parts.images.tagsOf(image.id).length === 0;
    if (isNobodys && parts.images.get(image.id)) parts.images.remove(image.id);
  }
}
