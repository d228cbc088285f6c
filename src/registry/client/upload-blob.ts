import type { Readable } from "node:stream";
import { fail } from "../../base/errors.ts";
import type { Digest } from "../../image/digest.ts";
import { parseUploadRange } from "../protocol/byte-range.ts";
import { ConnectionFailure } from "./connection-failure.ts";
import type { RegistrySession } from "./registry-session.ts";
import { Retry, withRetries } from "./retry.ts";
import type { ClientResponse, StreamedBody } from "./transport.ts";

/** Larger blobs go in pieces, so that a connection that breaks off costs one piece and not the blob. */
const CHUNK_BYTES = 64 * 1024 * 1024;

export interface UploadOptions {
  readonly session: RegistrySession;
  readonly repository: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** The bytes from `start` up to, but not with, `end`. Asked anew for each attempt. */
  readonly read: (start: number, end: number) => Readable;
  /** Repositories of the same registry that may have the blob. */
  readonly sources: readonly string[];
  readonly onBytes?: (bytes: number) => void;
}

export type Uploaded = { readonly how: "existing" | "pushed" } | { readonly how: "mounted"; readonly from: string };

/**
 * Makes sure that a repository has a blob, with as little sent as possible (OCI distribution spec, "Pushing blobs"):
 *
 *     HEAD ─ there ─► existing
 *      └ missing ─► POST ?mount&from ─ 201 ─► mounted
 *                        └ 202, an upload has begun ─► small: PUT ?digest with all of it ─────────► pushed
 *                                                      large: PATCH per piece, then PUT ?digest ──► pushed
 *     a piece that fails: GET the upload ─► go on behind what has arrived; upload gone ─► begin again
 */
export async function uploadBlob(options: UploadOptions): Promise<Uploaded> {
  const { session, repository, digest } = options;
  const head = await session.send({ method: "HEAD", target: `${repository}/blobs/${digest}` }, [200, 404]);
  head.body.destroy();
  if (head.status === 200) return { how: "existing" };
  for (const from of options.sources) {
    const mounted = await begin(options, `?${new URLSearchParams({ mount: digest, from })}`);
    if (mounted === null) return { how: "mounted", from };
    // The registry does not have it there, or cannot mount; it has begun an upload in place of that.
    await cancel(session, mounted);
  }
  await withRetries(session.retries, session.signal, () => send(options));
  return { how: "pushed" };
}

/** @returns where the upload goes on; null if a mount has made it needless. */
async function begin({ session, repository }: UploadOptions, query: string): Promise<URL | null> {
  const response = await session.send({ method: "POST", target: `${repository}/blobs/uploads/${query}` }, [201, 202]);
  response.body.resume();
  return response.status === 201 ? null : locationOf(response);
}

/** One whole attempt, from a fresh upload. */
async function send(options: UploadOptions): Promise<void> {
  const { sizeBytes } = options;
  const location = await begin(options, "");
  if (location === null) return;
  const last = sizeBytes > CHUNK_BYTES ? await sendChunks(options, location).catch(makeFinal) : { location, from: 0 };
  await finish(options, last.location, last.from);
}

/** A piece that has failed as often as it may is not a reason to begin the whole blob anew. */
function makeFinal(error: unknown): never {
  if (!(error instanceof ConnectionFailure)) throw error;
  return fail(error.kind, error.code, error.message, { cause: error });
}

/** All but the last piece; each is tried again from where the registry says it is. */
async function sendChunks(options: UploadOptions, begun: URL): Promise<{ location: URL; from: number }> {
  const { session, sizeBytes } = options;
  let location = begun;
  let from = 0;
  while (sizeBytes - from > CHUNK_BYTES) {
    let isFirst = true;
    const sent = await withRetries(session.retries, session.signal, async () => {
      if (!isFirst) ({ location, from } = await askPosition(session, location));
      isFirst = false;
      return sendChunk(options, location, from, Math.min(from + CHUNK_BYTES, sizeBytes));
    });
    if (sent.from <= from) fail("invalid", "UPLOAD_STUCK", `blob ${options.digest}: the registry takes no more of it`);
    ({ location, from } = sent);
  }
  return { location, from };
}

async function sendChunk(
  options: UploadOptions,
  target: URL,
  from: number,
  end: number,
): Promise<{ location: URL; from: number }> {
  const headers = {
    "Content-Type": "application/octet-stream",
    "Content-Range": `${from}-${end - 1}`,
  };
  await options.session.authorize();
  const body = streamed(options, from, end);
  const response = await options.session.attempt({ method: "PATCH", target, headers, body }, [202]);
  response.body.resume();
  const taken = parseUploadRange(asText(response.headers.range));
  return { location: locationOf(response), from: taken ? taken.end + 1 : end };
}

/** Where an upload that broke off stands. @throws Retry if it is gone, which begins the blob anew. */
async function askPosition(session: RegistrySession, target: URL): Promise<{ location: URL; from: number }> {
  const response = await session.attempt({ method: "GET", target }, [204, 200, 404]);
  response.body.resume();
  if (response.status === 404) throw new ConnectionFailure("GET", target, new Error("the upload is gone"));
  const taken = parseUploadRange(asText(response.headers.range));
  return {
    location: response.headers.location ? locationOf(response) : target,
    from: taken && taken.end > 0 ? taken.end + 1 : 0,
  };
}

async function finish(options: UploadOptions, location: URL, from: number): Promise<void> {
  const { session, digest, sizeBytes } = options;
  const target = new URL(location);
  target.searchParams.set("digest", digest);
  await session.authorize();
  const headers = {
    "Content-Type": "application/octet-stream",
    ...(from > 0 && sizeBytes > from && { "Content-Range": `${from}-${sizeBytes - 1}` }),
  };
  const body = streamed(options, from, sizeBytes);
  const response = await session.attempt({ method: "PUT", target, headers, body }, [201, 204, 404]);
  response.body.resume();
  // Lost by a registry that was started anew: not our fault, nor the blob's.
  if (response.status === 404) throw new Retry(new ConnectionFailure("PUT", target, new Error("the upload is gone")));
}

async function cancel(session: RegistrySession, target: URL): Promise<void> {
  // Only a courtesy: registries clear uploads that nobody goes on with.
  await session.attempt({ method: "DELETE", target }, [204]).then(
    ({ body }) => body.resume(),
    () => {},
  );
}

function streamed({ read, onBytes }: UploadOptions, start: number, end: number): StreamedBody {
  let sent = start;
  const onSent = (bytes: number) => {
    sent += bytes;
    onBytes?.(sent);
  };
  return { sizeBytes: end - start, source: read(start, end), onSent };
}

/** Must be at the registry itself or elsewhere by its own word; relative ones are below it. */
function locationOf({ headers, url }: ClientResponse): URL {
  const location = headers.location ?? "";
  return URL.canParse(location, url.href)
    ? new URL(location, url)
    : fail("invalid", "UPLOAD_LOCATION", `${url.host}: the registry does not say where to upload to`);
}

function asText(header: string | string[] | undefined): string | undefined {
  return typeof header === "string" ? header : header?.[0];
}
