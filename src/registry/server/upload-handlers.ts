import type { IncomingMessage } from "node:http";
import { type Digest, isDigest } from "../../image/digest.ts";
import { formatUploadRange, parseUploadRange } from "../protocol/byte-range.ts";
import { isRepositoryName } from "../protocol/repository-name.ts";
import type { Answer, RegistryRequest } from "./answer.ts";
import { digestParameter } from "./match-path.ts";
import { Refusal, refuse } from "./refusal.ts";
import { mountBlob, type RegistryStorage } from "./registry-storage.ts";
import type { Uploads } from "./uploads.ts";

/**
 * POST: mounts a blob, takes one whole, or begins an upload (OCI distribution spec, "Pushing blobs").
 * @param mayRead whether the client may read the repository that it wants to mount from.
 */
export async function beginUpload(
  storage: RegistryStorage,
  uploads: Uploads,
  { query, incoming }: RegistryRequest,
  repository: string,
  mayRead: (repository: string) => boolean,
): Promise<Answer> {
  const [mount, from] = [query.get("mount") ?? "", query.get("from") ?? ""];
  if (isDigest(mount) && isRepositoryName(from) && mayRead(from) && mountBlob(storage, from, repository, mount)) {
    return created(repository, mount);
  }
  const whole = query.has("digest") ? digestParameter(query) : null;
  const id = await uploads.begin(repository);
  if (whole === null) return { status: 202, headers: positionHeaders(repository, id, 0) };
  try {
    await uploads.finish(repository, id, incoming, null, whole);
  } catch (error) {
    await uploads.cancel(repository, id).catch(() => {}); // It is gone already after a wrong digest.
    throw error;
  }
  return created(repository, whole);
}

/** PATCH: one piece, or all at once as Docker's engine sends it. @throws RANGE_INVALID, SIZE_INVALID */
export async function appendUpload(
  uploads: Uploads,
  { incoming }: RegistryRequest,
  repository: string,
  id: string,
): Promise<Answer> {
  const start = announcedStart(incoming);
  const position = await withPosition(uploads, repository, id, () => uploads.append(repository, id, incoming, start));
  return { status: 202, headers: positionHeaders(repository, id, position) };
}

/** PUT: the last piece, which may be empty, and the digest of the whole. @throws DIGEST_INVALID, RANGE_INVALID */
export async function finishUpload(
  uploads: Uploads,
  { query, incoming }: RegistryRequest,
  repository: string,
  id: string,
): Promise<Answer> {
  const digest = digestParameter(query);
  const start = announcedStart(incoming);
  await withPosition(uploads, repository, id, () => uploads.finish(repository, id, incoming, start, digest));
  return created(repository, digest);
}

export async function uploadPosition(uploads: Uploads, repository: string, id: string): Promise<Answer> {
  return { status: 204, headers: positionHeaders(repository, id, await uploads.position(repository, id)) };
}

export async function cancelUpload(uploads: Uploads, repository: string, id: string): Promise<Answer> {
  await uploads.cancel(repository, id);
  return { status: 204 };
}

/** Where a piece begins, if that is said; its length must be the range's. */
function announcedStart({ headers }: IncomingMessage): number | null {
  const text = headers["content-range"];
  if (text === undefined) return null;
  const range = parseUploadRange(text);
  if (range === null) return refuse("RANGE_INVALID", `invalid content range ${JSON.stringify(text)}`);
  const length = headers["content-length"];
  if (length !== undefined && Number(length) !== range.end - range.start + 1) {
    refuse("SIZE_INVALID", "content range and content length differ");
  }
  return range.start;
}

/** A piece that does not fit is told where the upload stands, so that the client can go on from there. */
async function withPosition<T>(uploads: Uploads, repository: string, id: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Refusal) || error.registryCode !== "RANGE_INVALID") throw error;
    const position = await uploads.position(repository, id);
    return refuse("RANGE_INVALID", error.message, positionHeaders(repository, id, position), error.detail);
  }
}

function created(repository: string, digest: Digest): Answer {
  const headers = { Location: `/v2/${repository}/blobs/${digest}`, "Docker-Content-Digest": digest };
  return { status: 201, headers };
}

function positionHeaders(repository: string, id: string, sizeBytes: number): Record<string, string> {
  return {
    Location: `/v2/${repository}/blobs/uploads/${id}`,
    Range: formatUploadRange(sizeBytes),
    "Docker-Upload-UUID": id,
  };
}
