import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open, rm } from "node:fs/promises";
import { fail, LighterError } from "../../base/errors.ts";
import type { Digest } from "../../image/digest.ts";
import { hashBeginning, writeAll } from "../file-bytes.ts";
import { parseContentRange } from "../protocol/byte-range.ts";
import type { Descriptor } from "../protocol/manifest-document.ts";
import { ConnectionFailure } from "./connection-failure.ts";
import type { RegistrySession } from "./registry-session.ts";
import { Retry, withRetries } from "./retry.ts";
import type { ClientResponse } from "./transport.ts";

/** A download that gets so much further each time may break off as often as it likes. */
const GOOD_PROGRESS_BYTES = 1024 * 1024;

export interface DownloadOptions {
  readonly session: RegistrySession;
  readonly repository: string;
  readonly blob: Descriptor;
  /** Where the bytes gather; what is there already is the beginning of the blob, or is thrown away. */
  readonly path: string;
  /** Told how many bytes are there, often. */
  readonly onBytes?: (bytes: number) => void;
  readonly onDelay?: (delayMs: number) => void;
  /** The last byte is there, and the digest is about to be compared. */
  readonly onVerify?: () => void;
}

/**
 * Brings a blob into a file, complete, verified and synced when this resolves.
 *
 *     begun file ─ hash what is there ─► GET Range: bytes=n- ─┬─ 206 from n ──► append ─┐
 *     no file ──────────────────────────► GET ────────────────┴─ 200 ──► from the start ─┤
 *          ▲                                                                             ▼
 *          ├── broke off, stalled, 429, 5xx: wait, go on from where the file ends ◄── too few bytes
 *          ├── wrong digest of a file that was continued: once more from the start ◄─┐
 *          └── wrong digest of a whole download, or too many bytes: file removed, refused
 *
 * @throws invalid `DIGEST_MISMATCH`, `SIZE_MISMATCH`; the registry's refusal; ConnectionFailure after the last attempt.
 */
export async function downloadBlob(options: DownloadOptions): Promise<void> {
  const { session, blob, path } = options;
  // Bytes of an earlier download may be damaged; those of this one are the registry's own lie.
  let isContinued = false;
  let reached = 0;
  let before = 0;
  await withRetries(
    session.retries,
    session.signal,
    async () => {
      await using file = await openPartial(path);
      const begun = await hashBegun(file, path, blob.size);
      before = begun.sizeBytes;
      if (reached === 0 && begun.sizeBytes > 0) isContinued = true;
      const partial = await receive(options, file, begun);
      reached = partial.sizeBytes;
      if (partial.sizeBytes < blob.size) throw new Retry(brokenOff(options));
      options.onVerify?.();
      if (partial.hash.digest("hex") !== blob.digest.slice("sha256:".length)) {
        await file.truncate(0);
        if (isContinued) {
          isContinued = false;
          throw new Retry(mismatch(blob.digest), 0);
        }
        await rm(path, { force: true });
        throw mismatch(blob.digest);
      }
      await file.datasync();
    },
    {
      onDelay: options.onDelay,
      hadProgress: () => reached - before >= GOOD_PROGRESS_BYTES,
    },
  );
}

interface Partial {
  readonly hash: Hash;
  readonly sizeBytes: number;
}

function openPartial(path: string): Promise<FileHandle> {
  return open(path, "r+", 0o600).catch(() => open(path, "w+", 0o600));
}

/** Hashes what an earlier attempt left. More than there can be is nothing. */
async function hashBegun(file: FileHandle, path: string, limitBytes: number): Promise<Partial> {
  const { size } = await file.stat();
  if (size <= limitBytes) return { hash: await hashBeginning(path, size), sizeBytes: size };
  await file.truncate(0);
  return { hash: createHash("sha256"), sizeBytes: 0 };
}

/** Asks for what is missing and writes what comes, from whichever place it comes. */
async function receive(options: DownloadOptions, file: FileHandle, begun: Partial): Promise<Partial> {
  const { blob } = options;
  if (begun.sizeBytes === blob.size) return begun;
  const response = await request(options, begun.sizeBytes);
  const from = startOf(response, begun.sizeBytes, blob);
  if (from === null) {
    response.body.destroy();
    await file.truncate(0);
    throw new Retry(brokenOff(options), 0);
  }
  if (from === 0) await file.truncate(0);
  const hash = from === 0 ? createHash("sha256") : begun.hash;
  let at = from;
  try {
    for await (const piece of response.body) {
      if (at + piece.length > blob.size) {
        await file.truncate(0);
        fail(
          "invalid",
          "SIZE_MISMATCH",
          `blob ${blob.digest} is longer than the ${blob.size} bytes that its manifest says`,
        );
      }
      await writeAll(file, piece, at);
      hash.update(piece);
      at += piece.length;
      options.onBytes?.(at);
    }
  } catch (cause) {
    options.session.signal.throwIfAborted();
    if (cause instanceof LighterError || at === from) throw connectionFailure(response.url, cause);
    // What came is written: the next attempt goes on behind it.
  } finally {
    response.body.destroy();
  }
  return { hash, sizeBytes: at };
}

/** From the registry, or, of a layer that is kept elsewhere, from the addresses in the manifest. */
async function request({ session, repository, blob }: DownloadOptions, from: number): Promise<ClientResponse> {
  const headers = { "Accept-Encoding": "identity", ...(from > 0 && { Range: `bytes=${from}-` }) };
  const accepted = [200, 206, 416];
  const urls = (blob.urls ?? []).filter((url) => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol));
  try {
    return await session.attempt({ method: "GET", target: `${repository}/blobs/${blob.digest}`, headers }, accepted);
  } catch (error) {
    for (const url of urls) {
      const elsewhere = await session
        .attempt({ method: "GET", target: new URL(url), headers }, accepted)
        .catch(() => null);
      if (elsewhere) return elsewhere;
    }
    throw error;
  }
}

/** Where in the blob a response begins; null for one that does not fit what we have. @throws invalid `SIZE_MISMATCH` */
function startOf({ status, headers }: ClientResponse, wanted: number, blob: Descriptor): number | null {
  if (status === 416) return null;
  const length = headers["content-length"];
  if (status === 200) {
    if (length !== undefined && Number(length) !== blob.size) {
      fail("invalid", "SIZE_MISMATCH", `blob ${blob.digest} has ${length} bytes, but its manifest says ${blob.size}`);
    }
    return 0;
  }
  const range = parseContentRange(headers["content-range"]);
  return range?.start === wanted && (range.size === null || range.size === blob.size) ? wanted : null;
}

function brokenOff({ session, repository, blob }: DownloadOptions): ConnectionFailure {
  const url = session.urlOf(`${repository}/blobs/${blob.digest}`);
  return new ConnectionFailure("GET", url, new Error("unexpected EOF"));
}

function connectionFailure(url: URL, cause: unknown): LighterError {
  return cause instanceof LighterError ? cause : new ConnectionFailure("GET", url, cause);
}

function mismatch(digest: Digest): LighterError {
  return new LighterError("invalid", "DIGEST_MISMATCH", `filesystem layer verification failed for digest ${digest}`);
}
