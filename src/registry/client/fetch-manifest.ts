import { fail } from "../../base/errors.ts";
import { type Digest, digestOf, isDigest } from "../../image/digest.ts";
import {
  type Descriptor,
  MANIFEST_LIMIT_BYTES,
  MANIFEST_TYPES,
  type ManifestDocument,
  mediaTypeOf,
  parseManifest,
} from "../protocol/manifest-document.ts";
import type { RegistrySession } from "./registry-session.ts";
import { readBody } from "./transport.ts";

export interface FetchedManifest {
  /** As they came: their digest is the image's name. */
  readonly bytes: Buffer;
  readonly digest: Digest;
  readonly document: ManifestDocument;
}

/**
 * Fetches a manifest or index by tag or digest, and believes it only if it is what was asked for and announced.
 * @throws not-found `MANIFEST_UNKNOWN` or `NAME_UNKNOWN`; invalid `MANIFEST_INVALID`, `DIGEST_MISMATCH`.
 */
export async function fetchManifest(
  session: RegistrySession,
  repository: string,
  reference: string,
): Promise<FetchedManifest> {
  const response = await session.send(
    { method: "GET", target: `${repository}/manifests/${reference}`, headers: { Accept: MANIFEST_TYPES.join(", ") } },
    [200],
  );
  const bytes = await readBody(response, MANIFEST_LIMIT_BYTES);
  const digest = digestOf(bytes);
  const announced = response.headers["docker-content-digest"];
  const promised = isDigest(reference) ? reference : typeof announced === "string" ? announced : digest;
  // Other algorithms than ours cannot be compared; our own digest is then what counts.
  if (promised !== digest && promised.startsWith("sha256:")) {
    fail(
      "invalid",
      "DIGEST_MISMATCH",
      `manifest verification failed for digest ${promised}: the registry sent ${digest}`,
    );
  }
  const document = parseManifest(bytes, mediaTypeOf(response.headers["content-type"] ?? ""));
  return { bytes, digest, document };
}

/** As {@link fetchManifest} for an entry of an index: its size and type must be as the index says. */
export async function fetchDescribedManifest(
  session: RegistrySession,
  repository: string,
  descriptor: Descriptor,
): Promise<FetchedManifest> {
  const fetched = await fetchManifest(session, repository, descriptor.digest);
  if (fetched.bytes.length !== descriptor.size) {
    fail(
      "invalid",
      "SIZE_MISMATCH",
      `manifest ${descriptor.digest} has ${fetched.bytes.length} bytes, but its index says ${descriptor.size}`,
    );
  }
  if (fetched.document.mediaType !== descriptor.mediaType) {
    fail(
      "invalid",
      "MANIFEST_INVALID",
      `manifest ${descriptor.digest} is ${fetched.document.mediaType}, but its index says ${descriptor.mediaType}`,
    );
  }
  return fetched;
}
