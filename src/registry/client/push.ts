import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { fail } from "../../base/errors.ts";
import { shortId } from "../../base/ids.ts";
import { type Digest, digestOf, hexOf } from "../../image/digest.ts";
import type { Image } from "../../image/image-store.ts";
import type { LayerBlob } from "../../image/layer-blobs.ts";
import { familiarName, familiarRepository, type Reference } from "../../image/reference.ts";
import type { RegistryParts } from "../registry-parts.ts";
import type { Credentials } from "./credentials.ts";
import { noteOrigin, originsOf } from "./layer-origin.ts";
import { atRepository, type RegistryAccess } from "./open-repository.ts";
import { type OutgoingImage, type OutgoingLayer, outgoingImage } from "./outgoing-image.ts";
import { barReporter, layerStatus, type Progress, progressOf, type Report } from "./progress.ts";
import type { RegistrySession } from "./registry-session.ts";
import { readRegistrySettings } from "./registry-settings.ts";
import { uploadBlob } from "./upload-blob.ts";

/** As many as Docker sends at once. */
const PARALLEL_UPLOADS = 5;
const READ_BYTES = 256 * 1024;

export interface PushOptions {
  /** Without a tag: every tag of that repository that is here. */
  readonly reference: Reference;
  readonly auth: Credentials;
  readonly abort: AbortSignal;
  readonly access?: Partial<Pick<RegistryAccess, "retries" | "idleMs" | "settings">>;
}

/**
 * Sends an image's layers, its config and, when all are there, its manifest. What came from a registry goes as it came, and so
 * has the same digests everywhere; archives that were made here are compressed for the way, once, and to the same bytes on any
 * machine.
 * @returns progress in Docker's words. @throws not-found if there is no such image; the registry's refusal.
 */
export function pushImage(parts: RegistryParts, options: PushOptions): AsyncGenerator<Progress, void> {
  return progressOf(options.abort, async (report, signal) => {
    const { reference } = options;
    report({ status: `The push refers to repository [${reference.domain}/${reference.path}]` });
    const images = imagesNamed(parts, reference);
    const stop = new AbortController();
    const access: RegistryAccess = {
      ...options.access,
      settings: options.access?.settings ?? readRegistrySettings(parts.paths.root),
      credentials: options.auth,
      signal: AbortSignal.any([signal, stop.signal]),
    };
    await atRepository(reference, ["pull", "push"], access, async (session) => {
      for (const { tag, image } of images) await pushOne({ parts, session, reference, report, stop }, tag, image);
    });
  });
}

interface Push {
  readonly parts: RegistryParts;
  readonly session: RegistrySession;
  readonly reference: Reference;
  readonly report: Report;
  readonly stop: AbortController;
}

function imagesNamed({ images }: RegistryParts, reference: Reference): { tag: string; image: Image }[] {
  if (reference.digest !== null) fail("invalid", "PUSH_DIGEST", "cannot push a digest reference");
  const named = images.tagsIn(reference).flatMap(({ reference: { tag }, imageId }) => {
    const image = images.get(imageId);
    return tag !== null && image && (reference.tag === null || tag === reference.tag) ? [{ tag, image }] : [];
  });
  if (named.length > 0) return named;
  return fail(
    "not-found",
    "NO_SUCH_TAG",
    `An image does not exist locally with the tag: ${familiarRepository(reference)}`,
  );
}

async function pushOne(push: Push, tag: string, image: Image): Promise<void> {
  const { parts, session, reference, report } = push;
  using _layers = parts.layers.hold(parts.layers.stack(image.chainId).map(({ chainId }) => chainId));
  const outgoing = outgoingImage(parts, image);
  const bytes = outgoing.manifest(await pushLayers(push, outgoing.layers));
  await uploadConfig(push, outgoing);
  const digest = digestOf(bytes);
  const response = await session.send(
    {
      method: "PUT",
      target: `${reference.path}/manifests/${tag}`,
      headers: { "Content-Type": outgoing.mediaType },
      body: bytes,
    },
    [200, 201],
  );
  response.body.resume();
  parts.images.addRepoDigest(image.id, { ...reference, digest });
  const name = { ...reference, tag };
  report({ status: `${tag}: digest: ${digest} size: ${bytes.length}` });
  report({ progressDetail: {}, aux: { Tag: tag, Digest: digest, Size: bytes.length } });
  parts.events.emit("image", "push", familiarName(name), {
    name: familiarRepository(name),
    ...image.config.config?.Labels,
  });
}

/** Sends layers, some at once, top first as Docker shows them. @returns the form in which each went, lowest first. */
async function pushLayers(push: Push, layers: readonly OutgoingLayer[]): Promise<LayerBlob[]> {
  const { signal } = push.session;
  const sent: LayerBlob[] = [];
  const waiting = layers.map((layer, index) => ({ layer, index })).reverse();
  for (const { layer } of waiting) push.report(layerStatus(nameOf(layer), "Preparing"));
  for (const { layer } of waiting.slice(PARALLEL_UPLOADS)) push.report(layerStatus(nameOf(layer), "Waiting"));
  const work = async () => {
    for (let next = waiting.shift(); next && !signal.aborted; next = waiting.shift()) {
      const blob = await next.layer.blob(signal);
      if (!next.layer.isForeign) await pushLayer(push, nameOf(next.layer), blob);
      sent[next.index] = blob;
    }
  };
  const workers = Array.from({ length: PARALLEL_UPLOADS }, work);
  try {
    await Promise.all(workers);
    signal.throwIfAborted();
    return sent;
  } catch (error) {
    push.stop.abort(error);
    throw error;
  } finally {
    await Promise.allSettled(workers);
  }
}

async function pushLayer({ parts, session, reference, report }: Push, id: string, blob: LayerBlob): Promise<void> {
  const { digest, sizeBytes } = blob;
  const sources = originsOf(parts.store, reference, digest).slice(0, 1);
  session.alsoRead(sources);
  // An image may have the same layer twice, and other pushes of the same moment may be sending it.
  await parts.locks.run(`upload ${reference.domain}/${reference.path} ${digest}`, async () => {
    session.signal.throwIfAborted();
    const uploaded = await uploadBlob({
      session,
      repository: reference.path,
      digest,
      sizeBytes,
      sources,
      read: (start, end) => readBlob(parts, digest, start, end),
      onBytes: barReporter(report, id, "Pushing", sizeBytes),
    });
    const words = { existing: "Layer already exists", pushed: "Pushed", mounted: "Mounted from" }[uploaded.how];
    report(layerStatus(id, uploaded.how === "mounted" ? `${words} ${uploaded.from}` : words));
  });
  noteOrigin(parts.store, reference, [digest]);
}

/** As Docker names layers when it pushes: by what they hold, not how that is packed. */
function nameOf({ diffId }: OutgoingLayer): string {
  return shortId(hexOf(diffId));
}

async function uploadConfig({ session, reference }: Push, { config, configBytes }: OutgoingImage): Promise<void> {
  await uploadBlob({
    session,
    repository: reference.path,
    digest: config.digest,
    sizeBytes: configBytes.length,
    sources: [],
    read: (start, end) => Readable.from([configBytes.subarray(start, end)]),
  });
}

function readBlob({ content }: RegistryParts, digest: Digest, start: number, end: number) {
  // An empty range cannot be said to a read stream, whose end is inclusive.
  return createReadStream(content.path(digest), {
    highWaterMark: READ_BYTES,
    start,
    end: Math.max(start, end - 1),
  });
}
