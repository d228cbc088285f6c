import { EventEmitter, once } from "node:events";
import { type FileHandle, open } from "node:fs/promises";
import { errnoOf, LighterError } from "../../base/errors.ts";
import { KeyedLock } from "../../base/keyed-lock.ts";
import type { Log } from "../../base/log.ts";
import { type Digest, hexOf } from "../../image/digest.ts";
import { ConnectionFailure } from "../client/connection-failure.ts";
import type { Credentials } from "../client/credentials.ts";
import { downloadBlob } from "../client/download-blob.ts";
import { fetchManifest } from "../client/fetch-manifest.ts";
import { atRepository, type RegistryAccess } from "../client/open-repository.ts";
import type { RegistrySession } from "../client/registry-session.ts";
import type { RegistrySettings } from "../client/registry-settings.ts";
import type { Answer, RegistryRequest } from "./answer.ts";
import { blobAnswer } from "./blob-handlers.ts";
import { manifestAnswer } from "./manifest-handlers.ts";
import { announcedSize, findManifest, findTag, putManifest, setTag } from "./manifests.ts";
import type { ManifestReference } from "./match-path.ts";
import { refuse } from "./refusal.ts";
import { blobPath, findBlob, publishBlob, type RegistryStorage } from "./registry-storage.ts";

/** A tag is believed for so long before the upstream is asked again. */
const TAG_FRESH_MS = 60_000;
const READ_BYTES = 1024 * 1024;

export interface Upstream {
  readonly url: URL;
  readonly credentials: Credentials;
  readonly certificates: readonly string[];
}

/** A blob on its way from the upstream, read by whoever asked for it while it arrives. */
interface Arrival {
  /** Where its bytes are: another place once they are all there. */
  path: string;
  readonly sizeBytes: number;
  arrivedBytes: number;
  failure: unknown;
  /** `change` whenever more is there, or it has failed. */
  readonly events: EventEmitter;
}

/**
 * A cache in front of another registry: what is asked for and not here is fetched, handed on while it arrives, and kept once
 * its digest is right. Tags are asked for anew after a minute; while the upstream is away, what is here is served as it is.
 */
export class PullThrough {
  readonly #arrivals = new Map<string, Arrival>();
  readonly #locks = new KeyedLock();
  readonly #closing = new AbortController();

  constructor(
    private readonly storage: RegistryStorage,
    private readonly upstream: Upstream,
    private readonly log: Log,
  ) {}

  close(): void {
    this.#closing.abort(new Error("the registry is closing"));
  }

  async getManifest(repository: string, reference: ManifestReference): Promise<Answer> {
    const name = reference.by === "tag" ? reference.tag : reference.digest;
    // Many clients that want the same new tag at once cost the upstream one question.
    return this.#locks.run(`${repository} ${name}`, async () => {
      const known = reference.by === "tag" ? findTag(this.storage, repository, reference.tag) : null;
      const digest = reference.by === "digest" ? reference.digest : known?.digest;
      const here = digest ? findManifest(this.storage, repository, digest) : null;
      const isFresh = known === null || Date.now() - known.checkedMs < TAG_FRESH_MS;
      if (here && isFresh) return manifestAnswer(here);
      try {
        const {
          bytes,
          digest: actual,
          document,
        } = await this.#atUpstream(repository, (session) => fetchManifest(session, repository, name));
        const manifest = { digest: actual, mediaType: document.mediaType, bytes, document };
        putManifest(this.storage, repository, manifest, { tag: null, incomplete: true });
        if (reference.by === "tag") setTag(this.storage, repository, reference.tag, actual);
        return manifestAnswer(manifest);
      } catch (error) {
        if (here && error instanceof ConnectionFailure) {
          this.log("warn", "upstream is away: serving what is here", {
            repository,
            reference: name,
            error: error.message,
          });
          return manifestAnswer(here);
        }
        return refuseAs(error, "MANIFEST_UNKNOWN");
      }
    });
  }

  async getBlob(request: RegistryRequest, repository: string, digest: Digest): Promise<Answer> {
    const here = findBlob(this.storage, repository, digest);
    if (here) return blobAnswer(request, here);
    const arrival = await this.#locks.run(digest, () => this.#arrivalOf(repository, digest));
    const headers = {
      "Content-Type": "application/octet-stream",
      "Content-Length": String(arrival.sizeBytes),
      "Docker-Content-Digest": digest,
    };
    if (request.method === "HEAD") return { status: 200, headers };
    return { status: 200, headers, body: () => follow(arrival, request.signal) };
  }

  async #arrivalOf(repository: string, digest: Digest): Promise<Arrival> {
    const key = `${repository}@${digest}`;
    const running = this.#arrivals.get(key);
    if (running) return running;
    const sizeBytes = announcedSize(this.storage, repository, digest) ?? (await this.#askSize(repository, digest));
    const path = `${this.storage.uploads}/fetch-${hexOf(digest)}`;
    const arrival: Arrival = {
      path,
      sizeBytes,
      arrivedBytes: 0,
      failure: null,
      events: new EventEmitter().setMaxListeners(0),
    };
    this.#arrivals.set(key, arrival);
    void this.#fetch(repository, digest, arrival).finally(() => this.#arrivals.delete(key));
    return arrival;
  }

  /** Goes on although the client that wanted it first may leave: the next one will be glad. */
  async #fetch(repository: string, digest: Digest, arrival: Arrival): Promise<void> {
    const { path, sizeBytes, events } = arrival;
    try {
      await this.#atUpstream(repository, (session) =>
        downloadBlob({
          session,
          repository,
          blob: { mediaType: "application/octet-stream", digest, size: sizeBytes },
          path,
          onBytes: (bytes) => {
            // The last byte is handed out only when all of them are known to be right.
            arrival.arrivedBytes = Math.min(bytes, sizeBytes - 1);
            events.emit("change");
          },
        }),
      );
      publishBlob(this.storage, repository, { digest, sizeBytes, path });
      arrival.path = blobPath(this.storage, digest);
      arrival.arrivedBytes = sizeBytes;
    } catch (error) {
      this.log("warn", "a blob could not be fetched from the upstream", { repository, digest, error });
      arrival.failure = error;
    }
    events.emit("change");
  }

  async #askSize(repository: string, digest: Digest): Promise<number> {
    try {
      return await this.#atUpstream(repository, async (session) => {
        const response = await session.send({ method: "HEAD", target: `${repository}/blobs/${digest}` }, [200]);
        response.body.resume();
        return Number(response.headers["content-length"]);
      });
    } catch (error) {
      return refuseAs(error, "BLOB_UNKNOWN");
    }
  }

  #atUpstream<T>(repository: string, work: (session: RegistrySession) => Promise<T>): Promise<T> {
    const { url, credentials, certificates } = this.upstream;
    const settings: RegistrySettings = {
      insecure: url.protocol === "http:" ? [url.host] : [],
      mirrors: [],
      certificates,
    };
    const access: RegistryAccess = { settings, credentials, signal: this.#closing.signal };
    return atRepository({ domain: url.host, path: repository }, ["pull"], access, work);
  }
}

/** Reads a file that is growing, as far as it has grown. */
async function* follow(arrival: Arrival, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let file: FileHandle | null = null;
  try {
    for (let at = 0; at < arrival.sizeBytes; ) {
      if (arrival.failure) throw arrival.failure;
      if (at >= arrival.arrivedBytes) {
        await once(arrival.events, "change", { signal });
        continue;
      }
      // From now on the file is held, and may get another name.
      file ??= await openArrival(arrival);
      const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, arrival.arrivedBytes - at));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) throw new Error("the file of a blob is shorter than it was");
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  } finally {
    await file?.close();
  }
}

async function openArrival(arrival: Arrival): Promise<FileHandle> {
  try {
    return await open(arrival.path, "r");
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
    // It was given its place while it was being opened.
    return open(arrival.path, "r");
  }
}

/** The upstream's refusal in our own words; its being away is not the client's fault. */
function refuseAs(error: unknown, missing: "MANIFEST_UNKNOWN" | "BLOB_UNKNOWN"): never {
  if (!(error instanceof LighterError)) throw error;
  if (error.kind === "not-found" || error.kind === "unauthorized" || error.kind === "forbidden") {
    return refuse(missing, missing === "MANIFEST_UNKNOWN" ? "manifest unknown" : "blob unknown to registry");
  }
  return refuse("UNKNOWN", `upstream: ${error.message}`);
}
