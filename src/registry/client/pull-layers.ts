import { rm } from "node:fs/promises";
import { fail } from "../../base/errors.ts";
import { shortId } from "../../base/ids.ts";
import type { StagedBlob } from "../../image/content-store.ts";
import { type ChainId, hexOf } from "../../image/digest.ts";
import type { RegistryParts } from "../registry-parts.ts";
import { downloadBlob } from "./download-blob.ts";
import type { DescribedLayer } from "./image-layers.ts";
import { barReporter, layerBar, layerStatus, type Report } from "./progress.ts";
import type { RegistrySession } from "./registry-session.ts";

/** As many as Docker takes at once. */
const PARALLEL_DOWNLOADS = 3;

/**
 * Brings an image's layers here, downloading some at once and unpacking each on top of the one before it. The caller holds
 * the layers.
 *
 *     Pulling fs layer ► Waiting ► Downloading ► Verifying Checksum ► Download complete ► Extracting ► Pull complete
 *     Already exists: known by its chain id, neither downloaded nor unpacked
 *
 * @param stop whose signal the session has; aborted by a failure, so that the other downloads end as well. What they have
 *   stays for the next attempt.
 */
export async function pullLayers(
  parts: RegistryParts,
  session: RegistrySession,
  repository: string,
  layers: readonly DescribedLayer[],
  report: Report,
  stop: AbortController,
): Promise<void> {
  const { signal } = stop;
  const known = layers.findLastIndex(({ chainId }) => parts.layers.find(chainId) !== null);
  const missing = layers.slice(known + 1);
  for (const layer of layers.slice(0, known + 1)) report(layerStatus(nameOf(layer), "Already exists"));
  for (const layer of missing) report(layerStatus(nameOf(layer), "Pulling fs layer"));
  for (const layer of missing.slice(PARALLEL_DOWNLOADS)) report(layerStatus(nameOf(layer), "Waiting"));
  let begun = 0;
  const downloads = missing.map(() => Promise.withResolvers<StagedBlob>());
  for (const { promise } of downloads) promise.catch(() => {}); // Whoever unpacks sees it.
  const download = async () => {
    while (begun < missing.length && !signal.aborted) {
      const index = begun++;
      const layer = missing[index];
      if (!layer) return;
      const staged = fetchLayer(parts, session, repository, layer, report, signal);
      await staged.then(downloads[index]?.resolve, downloads[index]?.reject);
      await staged;
    }
  };
  const workers = Array.from({ length: PARALLEL_DOWNLOADS }, download);
  try {
    let parent: ChainId | null = layers[known]?.chainId ?? null;
    // A download that fails is seen at once, and not when it would be its layer's turn.
    const failure = Promise.all(workers).then(() => new Promise<never>(() => {}));
    for (const [index, layer] of missing.entries()) {
      const staged = await Promise.race([downloads[index]?.promise ?? failure, failure]);
      await unpackLayer(parts, parent, layer, staged, report, signal);
      parent = layer.chainId;
    }
  } catch (error) {
    stop.abort(error);
    throw error;
  } finally {
    // What was staged and not taken goes.
    await Promise.allSettled(workers);
    for (const { promise, reject } of downloads) {
      reject(new Error("the pull has ended"));
      await promise.then(({ path }) => parts.content.unstage(path)).catch(() => {});
    }
  }
}

/** One download for all who wait for the same blob; each gets a name of its own for it. */
function fetchLayer(
  parts: RegistryParts,
  session: RegistrySession,
  repository: string,
  layer: DescribedLayer,
  report: Report,
  signal: AbortSignal,
): Promise<StagedBlob> {
  const { digest, size } = layer.descriptor;
  const id = nameOf(layer);
  return parts.locks.run(`download ${digest}`, async () => {
    signal.throwIfAborted();
    const here = parts.content.stageExisting(digest);
    if (here && here.sizeBytes !== size) {
      parts.content.unstage(here.path);
      fail("invalid", "SIZE_MISMATCH", `blob ${digest} has ${here.sizeBytes} bytes, but its manifest says ${size}`);
    }
    if (!here) {
      await downloadBlob({
        session,
        repository,
        blob: layer.descriptor,
        path: parts.content.downloadPath(digest),
        onBytes: barReporter(report, id, "Downloading", size),
        onVerify: () => report(layerStatus(id, "Verifying Checksum")),
        onDelay: (delayMs) => report(layerStatus(id, retryingIn(delayMs))),
      });
    }
    report(layerStatus(id, "Download complete"));
    return here ?? parts.content.stageDownload(digest);
  });
}

async function unpackLayer(
  parts: RegistryParts,
  parent: ChainId | null,
  layer: DescribedLayer,
  staged: StagedBlob,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  const { digest, size } = layer.descriptor;
  const id = nameOf(layer);
  // Two pulls that meet at the same layer unpack it once.
  await parts.locks.run(`layer ${layer.chainId}`, async () => {
    signal.throwIfAborted();
    if (parts.layers.find(layer.chainId) === null) {
      report(layerBar(id, "Extracting", Math.min(size, 32_768), size));
      await parts.layers.importStaged(parent, staged, layer.diffId, signal);
      report(layerBar(id, "Extracting", size, size));
    }
  });
  // Not while another pull is about to take it.
  await parts.locks.run(`download ${digest}`, () => rm(parts.content.downloadPath(digest), { force: true }));
  report(layerStatus(id, "Pull complete"));
}

function nameOf({ descriptor }: DescribedLayer): string {
  return shortId(hexOf(descriptor.digest));
}

function retryingIn(delayMs: number): string {
  const seconds = Math.max(1, Math.round(delayMs / 1000));
  return `Retrying in ${seconds} second${seconds === 1 ? "" : "s"}`;
}
