import { createHash, type Hash, randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { open, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf } from "../../base/errors.ts";
import { KeyedLock } from "../../base/keyed-lock.ts";
import type { Digest } from "../../image/digest.ts";
import { hashBeginning, writeAll } from "../file-bytes.ts";
import { refuse } from "./refusal.ts";
import { assertQuotas, publishBlob, type RegistryStorage } from "./registry-storage.ts";

/** How much of an upload is here, with the hash of it. */
interface Progress {
  readonly hash: Hash;
  sizeBytes: number;
}

/**
 * Blobs on their way in. What has arrived is a file whose length is the position, so that a client goes on where it was
 * also after the registry was killed; the hash of what is there is then made anew from the file.
 *
 *     POST ─► begun ─ PATCH ─► begun ─ PUT ?digest ─┬─ digest right ─► blob
 *              │                                    └─ wrong ────────► gone, DIGEST_INVALID
 *              └─ DELETE, or nothing for a day ─► gone
 */
export class Uploads {
  readonly #running = new Map<string, Progress>();
  readonly #locks = new KeyedLock();

  constructor(private readonly storage: RegistryStorage) {}

  async begin(repository: string): Promise<string> {
    const id = randomUUID();
    await writeFile(this.#path(id), "", { mode: 0o600 });
    this.storage.store.db
      .query("INSERT INTO upload (id, repository, used_ms) VALUES (?, ?, ?)")
      .run(id, repository, Date.now());
    this.#running.set(id, { hash: createHash("sha256"), sizeBytes: 0 });
    return id;
  }

  /** @returns the bytes that have arrived. @throws BLOB_UPLOAD_UNKNOWN */
  async position(repository: string, id: string): Promise<number> {
    return this.#locks.run(id, async () => (await this.#progress(repository, id)).sizeBytes);
  }

  /**
   * Adds what a client sends; what arrived before it broke off stays.
   * @param start where the client believes to be; null: behind what is there.
   * @returns the position. @throws RANGE_INVALID if that is not so; DENIED over a quota; BLOB_UPLOAD_UNKNOWN.
   */
  async append(
    repository: string,
    id: string,
    source: AsyncIterable<Uint8Array>,
    start: number | null,
  ): Promise<number> {
    return this.#locks.run(id, () => this.#append(repository, id, source, start));
  }

  /**
   * Adds the last piece and makes the whole a blob.
   * @throws DIGEST_INVALID, and those of {@link append}
   */
  async finish(
    repository: string,
    id: string,
    source: AsyncIterable<Uint8Array>,
    start: number | null,
    digest: Digest,
  ): Promise<void> {
    await this.#locks.run(id, async () => {
      const sizeBytes = await this.#append(repository, id, source, start);
      const { hash } = await this.#progress(repository, id);
      const actual = `sha256:${hash.digest("hex")}`;
      if (actual !== digest) {
        this.#forget(id);
        refuse("DIGEST_INVALID", "provided digest did not match uploaded content", {}, { provided: digest, actual });
      }
      {
        await using file = await open(this.#path(id), "r+");
        await file.datasync();
      }
      publishBlob(this.storage, repository, { digest, sizeBytes, path: this.#path(id) });
      this.#forget(id);
    });
  }

  /** @throws BLOB_UPLOAD_UNKNOWN */
  async cancel(repository: string, id: string): Promise<void> {
    await this.#locks.run(id, async () => {
      await this.#progress(repository, id);
      this.#forget(id);
    });
  }

  /** Where something else puts a file of its own next to the uploads, on the blobs' file system. */
  scratchPath(name: string): string {
    return join(this.storage.uploads, name);
  }

  async #append(
    repository: string,
    id: string,
    source: AsyncIterable<Uint8Array>,
    start: number | null,
  ): Promise<number> {
    const progress = await this.#progress(repository, id);
    if (start !== null && start !== progress.sizeBytes) {
      refuse("RANGE_INVALID", "invalid content range", {}, { position: progress.sizeBytes });
    }
    this.storage.store.db.query("UPDATE upload SET used_ms = ? WHERE id = ?").run(Date.now(), id);
    await using file = await open(this.#path(id), "r+");
    for await (const piece of source) {
      assertQuotas(this.storage, repository, progress.sizeBytes + piece.length);
      await writeAll(file, piece, progress.sizeBytes);
      progress.hash.update(piece);
      progress.sizeBytes += piece.length;
    }
    return progress.sizeBytes;
  }

  async #progress(repository: string, id: string): Promise<Progress> {
    const known = this.storage.store.db
      .query("SELECT 1 FROM upload WHERE id = ? AND repository = ?")
      .get(id, repository);
    if (known === null) refuse("BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
    const running = this.#running.get(id);
    if (running) return running;
    try {
      const { size } = await stat(this.#path(id));
      const progress = { hash: await hashBeginning(this.#path(id), size), sizeBytes: size };
      this.#running.set(id, progress);
      return progress;
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw error;
      this.#forget(id);
      return refuse("BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
    }
  }

  #forget(id: string): void {
    this.#running.delete(id);
    rmSync(this.#path(id), { force: true });
    this.storage.store.db.query("DELETE FROM upload WHERE id = ?").run(id);
  }

  #path(id: string): string {
    return join(this.storage.uploads, id);
  }
}
