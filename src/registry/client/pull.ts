import { fail, LighterError } from "../../base/errors.ts";
import type { Image } from "../../image/image-store.ts";
import { chooseManifest, fits, formatPlatform, hostPlatform, type Platform } from "../../image/platform.ts";
import { familiarName, familiarRepository, type Reference } from "../../image/reference.ts";
import type { ImageManifest } from "../protocol/manifest-document.ts";
import type { RegistryParts } from "../registry-parts.ts";
import type { Credentials } from "./credentials.ts";
import { type FetchedManifest, fetchDescribedManifest, fetchManifest } from "./fetch-manifest.ts";
import { type DescribedImage, describeImage } from "./image-layers.ts";
import { noteOrigin } from "./layer-origin.ts";
import { listTags } from "./list-tags.ts";
import { atRepository, type RegistryAccess } from "./open-repository.ts";
import { type Progress, progressOf, type Report } from "./progress.ts";
import { pullLayers } from "./pull-layers.ts";
import type { RegistrySession } from "./registry-session.ts";
import { readRegistrySettings } from "./registry-settings.ts";

/** Indexes inside indexes: nobody needs more, and a circle is impossible, but a long chain is not. */
const INDEX_DEPTH = 3;

export interface PullOptions {
  /** Without tag and digest: every tag of the repository. */
  readonly reference: Reference;
  /** null for the host's. */
  readonly platform: Platform | null;
  readonly auth: Credentials;
  readonly abort: AbortSignal;
  /** Other than the defaults; the settings are read from the engine's root. */
  readonly access?: Partial<Pick<RegistryAccess, "retries" | "idleMs" | "settings">>;
}

/**
 * Fetches an image and gives it its names. It appears whole or not at all; what a pull that broke off has brought is
 * continued by the next one.
 * @returns progress in Docker's words. @throws not-found, in Docker's words; invalid for a registry that lies; internal
 *   `REGISTRY_UNREACHABLE`.
 */
export function pullImage(parts: RegistryParts, options: PullOptions): AsyncGenerator<Progress, void> {
  return progressOf(options.abort, async (report, signal) => {
    const { reference } = options;
    const stop = new AbortController();
    const settings = options.access?.settings ?? readRegistrySettings(parts.paths.root);
    const access: RegistryAccess = {
      ...options.access,
      settings,
      credentials: options.auth,
      signal: AbortSignal.any([signal, stop.signal]),
    };
    const pulled = await atRepository(reference, ["pull"], access, async (session) => {
      const pull: Pull = { parts, session, options, report, stop };
      if (reference.tag !== null || reference.digest !== null) return pullOne(pull, reference);
      let isNew = false;
      for (const tag of await listTags(session, reference.path))
        isNew = (await pullOne(pull, { ...reference, tag })) || isNew;
      return isNew;
    }).catch((error) => {
      throw inDockersWords(error, reference);
    });
    report({
      status: `Status: ${pulled ? "Downloaded newer image" : "Image is up to date"} for ${familiarName(reference)}`,
    });
  });
}

interface Pull {
  readonly parts: RegistryParts;
  readonly session: RegistrySession;
  readonly options: PullOptions;
  readonly report: Report;
  readonly stop: AbortController;
}

/** @returns whether the name means another image now. */
async function pullOne(pull: Pull, reference: Reference): Promise<boolean> {
  const { parts, session, options, report, stop } = pull;
  const named = reference.digest ?? reference.tag ?? "latest";
  const top = await fetchManifest(session, reference.path, named).catch((error) => {
    throw inDockersWords(error, reference);
  });
  report({ status: `Pulling from ${reference.path}`, id: named });
  const { manifest, bytes } = await imageManifest(pull, reference, top);
  const described = await describeImage(session, reference.path, manifest);
  assertPlatform(described, options.platform, reference);
  const before = parts.images.find(familiarName(reference));
  using _layers = parts.layers.hold(described.layers.map(({ chainId }) => chainId));
  const isHere = parts.images.get(manifest.config.digest) !== null;
  if (!isHere) await pullLayers(parts, session, reference.path, described.layers, report, stop);
  const image = await parts.images.create({
    config: described.configBytes,
    topChainId: described.layers.at(-1)?.chainId ?? null,
    parentId: null,
    tags: reference.tag === null || reference.digest !== null ? [] : [reference],
    reason: "pull",
    repoDigest: { ...reference, digest: top.digest },
    ...(describesStored(parts, described, manifest) && { manifest: bytes }),
  });
  noteOrigin(
    parts.store,
    reference,
    described.layers.map(({ descriptor }) => descriptor.digest),
  );
  report({ status: `Digest: ${top.digest}` });
  parts.events.emit("image", "pull", familiarName(reference), {
    name: familiarRepository(reference),
    ...labels(image),
  });
  return before?.id !== image.id;
}

/** The image for the platform, out of an index if it is one. */
async function imageManifest(
  { session, options }: Pull,
  reference: Reference,
  top: FetchedManifest,
): Promise<{ manifest: ImageManifest; bytes: Buffer }> {
  const platform = options.platform ?? hostPlatform();
  let current = top;
  for (let depth = 0; depth < INDEX_DEPTH; depth++) {
    const { document } = current;
    if (document.kind === "image") return { manifest: document.manifest, bytes: current.bytes };
    const chosen = chooseManifest(document.manifest.manifests, platform);
    if (!chosen) {
      return fail(
        "not-found",
        "NO_PLATFORM",
        `no matching manifest for ${formatPlatform(platform)} in the manifest list entries`,
      );
    }
    current = await fetchDescribedManifest(session, reference.path, chosen);
  }
  return fail("invalid", "MANIFEST_INVALID", `manifest ${top.digest} is an index of indexes of indexes`);
}

/** Only where a platform was asked for: an image for another one may be wanted as it is. */
function assertPlatform({ config }: DescribedImage, wanted: Platform | null, reference: Reference): void {
  const actual: Platform = { os: config.os, architecture: config.architecture, variant: config.variant ?? "" };
  if (wanted === null || fits(actual, wanted)) return;
  fail(
    "not-found",
    "NO_PLATFORM",
    `image with reference ${familiarName(reference)} was found but does not match the specified platform: wanted ${formatPlatform(wanted)}, actual: ${formatPlatform(actual)}`,
  );
}

/** A layer that was here already may lie here packed in another way: then the manifest tells of blobs that we do not have. */
function describesStored(parts: RegistryParts, { layers }: DescribedImage, manifest: ImageManifest): boolean {
  const stored = parts.layers.stack(layers.at(-1)?.chainId ?? null).map(({ blob }) => blob.digest);
  return manifest.layers.every(({ digest }, index) => digest === stored[index]);
}

function labels({ config }: Image): Record<string, string> {
  return { ...config.config?.Labels };
}

/** Docker's sentences for what a registry does not have or does not show. */
function inDockersWords(error: unknown, reference: Reference): unknown {
  if (!(error instanceof LighterError)) return error;
  const cause = { cause: error };
  switch (error.code) {
    case "MANIFEST_UNKNOWN":
    case "REGISTRY_404":
      return new LighterError(
        "not-found",
        "NO_SUCH_MANIFEST",
        `manifest for ${familiarName(reference)} not found: ${error.message}`,
        cause,
      );
    case "NAME_UNKNOWN":
      return new LighterError(
        "not-found",
        "NO_SUCH_REPOSITORY",
        `repository ${familiarRepository(reference)} not found: ${error.message}`,
        cause,
      );
    case "DENIED":
      return new LighterError(
        "not-found",
        "PULL_DENIED",
        `pull access denied for ${familiarRepository(reference)}, repository does not exist or may require 'docker login': ${error.message}`,
        cause,
      );
    default:
      // As Docker's engine, with another status than 401: that makes its CLI ask for a password, also where nobody sits.
      return error.kind === "unauthorized" ? new LighterError("internal", error.code, error.message, cause) : error;
  }
}
