import { createReadStream } from "node:fs";
import type { Digest } from "../../image/digest.ts";
import { parseRange } from "../protocol/byte-range.ts";
import type { Answer, RegistryRequest } from "./answer.ts";
import { refuse } from "./refusal.ts";
import { findBlob, hideBlob, keepBlob, type RegistryStorage, type StoredBlob } from "./registry-storage.ts";

const READ_BYTES = 1024 * 1024;

/** GET and HEAD of a blob (OCI distribution spec, "Pulling blobs"). @throws BLOB_UNKNOWN, RANGE_INVALID */
export function getBlob(
  storage: RegistryStorage,
  request: RegistryRequest,
  repository: string,
  digest: Digest,
): Answer {
  const blob = findBlob(storage, repository, digest);
  if (blob === null) return refuse("BLOB_UNKNOWN", "blob unknown to registry", {}, { digest });
  if (request.method === "HEAD") keepBlob(storage, repository, digest);
  return blobAnswer(request, blob);
}

export function blobAnswer({ incoming }: RegistryRequest, { digest, sizeBytes, path }: StoredBlob): Answer {
  const range = parseRange(incoming.headers.range, sizeBytes);
  const headers = {
    "Content-Type": "application/octet-stream",
    "Docker-Content-Digest": digest,
    ETag: `"${digest}"`,
    "Accept-Ranges": "bytes",
    "Cache-Control": "max-age=31536000",
  };
  if (range === "unsatisfiable") {
    return refuse("RANGE_INVALID", "requested range not satisfiable", { "Content-Range": `bytes */${sizeBytes}` });
  }
  if (range === null) {
    return {
      status: 200,
      headers: { ...headers, "Content-Length": String(sizeBytes) },
      body: () => createReadStream(path, { highWaterMark: READ_BYTES }),
    };
  }
  const { start, end } = range;
  return {
    status: 206,
    headers: {
      ...headers,
      "Content-Length": String(end - start + 1),
      "Content-Range": `bytes ${start}-${end}/${sizeBytes}`,
    },
    body: () => createReadStream(path, { highWaterMark: READ_BYTES, start, end }),
  };
}

/** OCI distribution spec, "Deleting Blobs": from this repository; the bytes go with garbage collection. @throws BLOB_UNKNOWN */
export function deleteBlob(storage: RegistryStorage, repository: string, digest: Digest): Answer {
  if (!hideBlob(storage, repository, digest)) refuse("BLOB_UNKNOWN", "blob unknown to registry", {}, { digest });
  return { status: 202, headers: { "Docker-Content-Digest": digest } };
}
