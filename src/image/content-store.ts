import { createHash, randomUUID } from "node:crypto";
import {
  createReadStream,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { errnoOf, fail } from "../base/errors.ts";
import { type Digest, digestOf, hexOf, parseDigest } from "./digest.ts";
import { OCI_INDEX } from "./media-types.ts";

/** Config and manifest documents beyond this are not images (registries have the same bound). */
const DOCUMENT_LIMIT_BYTES = 4 * 1024 * 1024;

/** Large reads: a blob is sent as fast as the disk gives it, not in 64 KiB turns of the event loop. */
const READ_BYTES = 256 * 1024;

/** A download that nobody has come back to for so long is not going to be finished. */
const DOWNLOAD_KEPT_MS = 7 * 24 * 3600 * 1000;

/** A blob complete and synced under a temporary name: {@link ContentStore.publish} gives it its place. */
export interface StagedBlob {
  readonly path: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** An entry of the layout's `index.json` (OCI image spec, descriptor.md). */
export interface ManifestEntry {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * Blobs by their digest in an OCI image layout, which other tools can read in place.
 *
 * A blob is written, hashed and synced under a temporary name (asynchronously, as long as that takes) and then renamed in
 * the same turn of the event loop in which the transaction inserts the row that names it. So a row never precedes its
 * blob, and no one can remove a blob between its being found and its being referred to.
 */
export class ContentStore {
  private constructor(
    private readonly blobs: string,
    private readonly staging: string,
    private readonly downloads: string,
    private readonly indexPath: string,
  ) {}

  /**
   * Opens the layout, making it where it is missing, and removes temporary files that a killed engine left; downloads
   * that it had begun stay for a week, to be continued.
   */
  static open(directory: string): ContentStore {
    const blobs = join(directory, "blobs", "sha256");
    const staging = join(directory, "staging");
    mkdirSync(blobs, { recursive: true, mode: 0o700 });
    rmSync(staging, { recursive: true, force: true });
    mkdirSync(staging, { mode: 0o700 });
    const downloads = join(directory, "downloads");
    mkdirSync(downloads, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(downloads)) {
      const path = join(downloads, name);
      if (Date.now() - statSync(path).mtimeMs > DOWNLOAD_KEPT_MS) rmSync(path);
    }
    writeFileSync(join(directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
    return new ContentStore(blobs, staging, downloads, join(directory, "index.json"));
  }

  path(digest: Digest): string {
    return join(this.blobs, hexOf(digest));
  }

  /** A fresh temporary name on the blobs' own file system. */
  stagingPath(): string {
    return join(this.staging, randomUUID());
  }

  /** Where the bytes of a blob gather while it is downloaded. Not believed by anybody before they were hashed. */
  downloadPath(digest: Digest): string {
    return join(this.downloads, hexOf(digest));
  }

  /**
   * A second, temporary name for a blob that is here, so that it stays while somebody works with it although its last
   * image may go; null if it is not here.
   */
  stageExisting(digest: Digest): StagedBlob | null {
    const path = this.stagingPath();
    try {
      linkSync(this.path(digest), path);
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return null;
      throw error;
    }
    return { path, digest, sizeBytes: statSync(path).size };
  }

  /** Stages a complete, synced and verified download under a name of its own: several images may be waiting for it. */
  stageDownload(digest: Digest): StagedBlob {
    const path = this.stagingPath();
    linkSync(this.downloadPath(digest), path);
    return { path, digest, sizeBytes: statSync(path).size };
  }

  /** Stages a document that is at hand. */
  async stage(bytes: Uint8Array): Promise<StagedBlob> {
    const path = this.stagingPath();
    await using file = await open(path, "wx", 0o600);
    await file.writeFile(bytes);
    await file.datasync();
    return { path, digest: digestOf(bytes), sizeBytes: bytes.length };
  }

  /**
   * Stages a stream, hashing it as it is written; nothing is left when it breaks off.
   * @throws invalid `DIGEST_MISMATCH` if it is not what `expected` says; `SIZE_EXCEEDED` as soon as it is longer.
   */
  async stageStream(
    source: Readable,
    expected: { digest?: Digest; limitBytes?: number; signal?: AbortSignal } = {},
  ): Promise<StagedBlob> {
    const path = this.stagingPath();
    const hash = createHash("sha256");
    let sizeBytes = 0;
    try {
      await using file = await open(path, "wx", 0o600);
      await pipeline(
        source,
        async function* (pieces: AsyncIterable<Buffer>) {
          for await (const piece of pieces) {
            sizeBytes += piece.length;
            if (expected.limitBytes !== undefined && sizeBytes > expected.limitBytes) {
              fail("invalid", "SIZE_EXCEEDED", `blob is longer than the ${expected.limitBytes} bytes announced`);
            }
            hash.update(piece);
            yield piece;
          }
        },
        file.createWriteStream({ autoClose: false, highWaterMark: READ_BYTES }),
        { signal: expected.signal },
      );
      await file.datasync();
      const digest = parseDigest(`sha256:${hash.digest("hex")}`);
      if (expected.digest !== undefined && digest !== expected.digest) {
        fail("invalid", "DIGEST_MISMATCH", `blob is ${digest}, but ${expected.digest} was announced`);
      }
      return { path, digest, sizeBytes };
    } catch (error) {
      this.unstage(path);
      throw error;
    }
  }

  /** Gives staged blobs their names. To be called in the turn, and before the transaction, that refers to them. */
  publish(...staged: readonly StagedBlob[]): void {
    for (const blob of staged) renameSync(blob.path, this.path(blob.digest));
  }

  /** Removes a temporary file; one that was published or never begun is no error. */
  unstage(path: string): void {
    rmSync(path, { force: true });
  }

  /**
   * A whole document, verified against its digest. Synchronous: a few kilobytes, nearly always in the page cache.
   * @throws not-found `BLOB_NOT_FOUND`, internal `BLOB_DAMAGED`
   */
  readDocument(digest: Digest): Buffer {
    const bytes = this.#read(digest);
    if (bytes.length > DOCUMENT_LIMIT_BYTES || digestOf(bytes) !== digest) {
      fail(
        "internal",
        "BLOB_DAMAGED",
        `blob ${digest} in ${this.blobs} is damaged: remove its image and load it again`,
      );
    }
    return bytes;
  }

  /** A blob's bytes as they are on the disk. */
  read(digest: Digest): Readable {
    return createReadStream(this.path(digest), { highWaterMark: READ_BYTES });
  }

  /** Removes a blob that no row refers to any more; to be called in the turn of that transaction. */
  delete(digest: Digest): void {
    rmSync(this.path(digest), { force: true });
  }

  /** Removes all blobs but these: what was stored by an engine killed before its transaction. */
  keepOnly(digests: ReadonlySet<string>): void {
    for (const name of readdirSync(this.blobs)) {
      if (!digests.has(`sha256:${name}`)) rmSync(join(this.blobs, name));
    }
  }

  /** Replaces the list of images that other tools see. Derived from the records and written anew at each start: not synced. */
  writeIndex(manifests: readonly ManifestEntry[]): void {
    const temporary = this.stagingPath();
    writeFileSync(temporary, JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }));
    renameSync(temporary, this.indexPath);
  }

  #read(digest: Digest): Buffer {
    try {
      return readFileSync(this.path(digest));
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw error;
      return fail("not-found", "BLOB_NOT_FOUND", `no such blob: ${digest}`);
    }
  }
}
