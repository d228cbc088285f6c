import type { IncomingMessage } from "node:http";
import { LighterError } from "../../base/errors.ts";
import { type Digest, digestOf } from "../../image/digest.ts";
import { OCI_INDEX } from "../../image/media-types.ts";
import { formatNextLink } from "../protocol/link-header.ts";
import { MANIFEST_LIMIT_BYTES, parseManifest } from "../protocol/manifest-document.ts";
import { type Answer, jsonAnswer, type RegistryRequest } from "./answer.ts";
import {
  deleteManifest,
  deleteTag,
  findManifest,
  findTag,
  listRepositories,
  listTags,
  putManifest,
  referrersOf,
  type StoredManifest,
} from "./manifests.ts";
import type { ManifestReference } from "./match-path.ts";
import { Refusal, refuse } from "./refusal.ts";
import type { RegistryStorage } from "./registry-storage.ts";

/** One page, where the client does not ask for less. */
const PAGE_SIZE = 1_000;

/** GET and HEAD (OCI distribution spec, "Pulling manifests"). @throws MANIFEST_UNKNOWN */
export function getManifest(storage: RegistryStorage, repository: string, reference: ManifestReference): Answer {
  const digest = reference.by === "digest" ? reference.digest : findTag(storage, repository, reference.tag)?.digest;
  const manifest = digest && findManifest(storage, repository, digest);
  return manifest ? manifestAnswer(manifest) : refuse("MANIFEST_UNKNOWN", "manifest unknown", {}, reference);
}

export function manifestAnswer({ digest, mediaType, bytes }: StoredManifest): Answer {
  return {
    status: 200,
    headers: { "Content-Type": mediaType, "Docker-Content-Digest": digest, ETag: `"${digest}"` },
    body: bytes,
  };
}

/** OCI distribution spec, "Pushing Manifests". @throws MANIFEST_INVALID, DIGEST_INVALID, MANIFEST_BLOB_UNKNOWN */
export async function receiveManifest(
  storage: RegistryStorage,
  { incoming }: RegistryRequest,
  repository: string,
  reference: ManifestReference,
): Promise<Answer> {
  const bytes = await readManifest(incoming);
  const document = parse(bytes, incoming.headers["content-type"] ?? "");
  const digest = digestOf(bytes);
  if (reference.by === "digest" && reference.digest !== digest) {
    refuse(
      "DIGEST_INVALID",
      "provided digest did not match uploaded content",
      {},
      { provided: reference.digest, actual: digest },
    );
  }
  const tag = reference.by === "tag" ? reference.tag : null;
  putManifest(storage, repository, { digest, mediaType: document.mediaType, bytes, document }, { tag });
  const subject = document.manifest.subject?.digest;
  return {
    status: 201,
    headers: {
      Location: `/v2/${repository}/manifests/${digest}`,
      "Docker-Content-Digest": digest,
      // Tells the client that it need not keep the list of referrers under a tag itself.
      ...(subject && { "OCI-Subject": subject }),
    },
  };
}

/** OCI distribution spec, "Deleting Tags" and "Deleting Manifests". @throws MANIFEST_UNKNOWN */
export function removeManifest(storage: RegistryStorage, repository: string, reference: ManifestReference): Answer {
  const removed =
    reference.by === "digest"
      ? deleteManifest(storage, repository, reference.digest)
      : deleteTag(storage, repository, reference.tag);
  return removed ? { status: 202 } : refuse("MANIFEST_UNKNOWN", "manifest unknown", {}, reference);
}

/** OCI distribution spec, "Listing Referrers": an index, empty where there are none. */
export function listReferrers(
  storage: RegistryStorage,
  { query }: RegistryRequest,
  repository: string,
  digest: Digest,
): Answer {
  const artifactType = query.get("artifactType");
  const manifests = referrersOf(storage, repository, digest, artifactType);
  return jsonAnswer(
    200,
    { schemaVersion: 2, mediaType: OCI_INDEX, manifests },
    { "Content-Type": OCI_INDEX, ...(artifactType !== null && { "OCI-Filters-Applied": "artifactType" }) },
  );
}

/** OCI distribution spec, "Listing Tags". @throws NAME_UNKNOWN */
export function tagsPage(storage: RegistryStorage, { query }: RegistryRequest, repository: string): Answer {
  const limit = pageLimit(query);
  // One more than asked for tells whether there is another page.
  const found = listTags(storage, repository, query.get("last") ?? "", limit + 1);
  if (found === null) return refuse("NAME_UNKNOWN", "repository name not known to registry", {}, { name: repository });
  const tags = found.slice(0, limit);
  return jsonAnswer(
    200,
    { name: repository, tags },
    nextHeaders(`/v2/${repository}/tags/list`, found.length > limit, tags.at(-1), limit),
  );
}

/** Docker's registry API, "Catalog". */
export function catalogPage(storage: RegistryStorage, { query }: RegistryRequest): Answer {
  const limit = pageLimit(query);
  const found = listRepositories(storage, query.get("last") ?? "", limit + 1);
  const repositories = found.slice(0, limit);
  return jsonAnswer(
    200,
    { repositories },
    nextHeaders("/v2/_catalog", found.length > limit, repositories.at(-1), limit),
  );
}

function pageLimit(query: URLSearchParams): number {
  const text = query.get("n");
  if (text === null) return PAGE_SIZE;
  if (!/^\d{1,9}$/.test(text))
    refuse("PAGINATION_NUMBER_INVALID", "invalid number of results requested", {}, { n: text });
  return Math.min(Number(text), PAGE_SIZE);
}

function nextHeaders(path: string, hasMore: boolean, last: string | undefined, limit: number): Record<string, string> {
  if (!hasMore || last === undefined) return {};
  return { Link: formatNextLink(`${path}?${new URLSearchParams({ last, n: String(limit) })}`) };
}

async function readManifest(incoming: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  // What is too much is read away, so that the client sees the refusal and not a broken connection.
  for await (const piece of incoming) {
    bytes += piece.length;
    if (bytes <= MANIFEST_LIMIT_BYTES) pieces.push(piece);
  }
  if (bytes > MANIFEST_LIMIT_BYTES) refuse("MANIFEST_INVALID", `manifest is longer than ${MANIFEST_LIMIT_BYTES} bytes`);
  return Buffer.concat(pieces);
}

function parse(bytes: Uint8Array, contentType: string) {
  try {
    return parseManifest(bytes, contentType);
  } catch (error) {
    if (error instanceof LighterError) throw new Refusal("MANIFEST_INVALID", error.message);
    throw error;
  }
}
