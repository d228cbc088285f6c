import { readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { errnoOf } from "../../base/errors.ts";
import { type Digest, hexOf } from "../../image/digest.ts";
import { blobPath, type RegistryStorage } from "./registry-storage.ts";

export interface GarbageOptions {
  /** What was used in the last so many milliseconds stays: somebody may be about to push a manifest with it. */
  readonly graceMs: number;
  /** Uploads that nobody has gone on with for so long go. */
  readonly uploadMs: number;
  /** Also manifests without a tag that no index holds and that refer to nothing that is here. */
  readonly untagged: boolean;
}

export const DEFAULT_GARBAGE: GarbageOptions = {
  graceMs: 3600 * 1000,
  uploadMs: 24 * 3600 * 1000,
  untagged: false,
};

export interface Collected {
  readonly blobs: number;
  readonly bytes: number;
  readonly manifests: number;
  readonly uploads: number;
}

/**
 * Removes what no manifest needs, while the registry serves, from the same or another process. What is garbage is decided
 * and its records removed in one transaction, which excludes every push of a manifest; files are moved out of their place
 * inside it and deleted after it, so that a process killed in between leaves nothing broken.
 */
export function collectGarbage(storage: RegistryStorage, options: GarbageOptions): Collected {
  const nowMs = Date.now();
  const manifests = options.untagged ? removeUntagged(storage, nowMs - options.graceMs) : 0;
  const blobs = removeBlobs(storage, nowMs - options.graceMs);
  const uploads = removeUploads(storage, nowMs - options.uploadMs);
  removeStrangers(storage, nowMs - options.graceMs);
  return { manifests, ...blobs, uploads };
}

function removeUntagged({ store }: RegistryStorage, beforeMs: number): number {
  const query = store.db.query(
    `DELETE FROM manifest WHERE pushed_ms < ?1
       AND NOT EXISTS (SELECT 1 FROM tag WHERE tag.repository = manifest.repository AND tag.digest = manifest.digest)
       AND NOT EXISTS (SELECT 1 FROM manifest_reference AS up WHERE up.repository = manifest.repository AND up.child = manifest.digest)
       AND NOT EXISTS (SELECT 1 FROM manifest AS subject WHERE subject.repository = manifest.repository AND subject.digest = manifest.subject)`,
  );
  let removed = 0;
  // An index that goes frees its manifests.
  for (let changes = query.run(beforeMs).changes; changes > 0; changes = query.run(beforeMs).changes)
    removed += changes;
  return removed;
}

function removeBlobs(storage: RegistryStorage, beforeMs: number): { blobs: number; bytes: number } {
  const { db } = storage.store;
  const removed = storage.store.transaction(() => {
    db.query(
      `DELETE FROM repository_blob WHERE used_ms < ?1 AND NOT EXISTS
         (SELECT 1 FROM manifest_reference AS up WHERE up.repository = repository_blob.repository AND up.child = repository_blob.digest)`,
    ).run(beforeMs);
    const rows = db
      .query<{ digest: Digest; size_bytes: number }, [number]>(
        `DELETE FROM blob WHERE used_ms < ?1 AND NOT EXISTS
           (SELECT 1 FROM repository_blob WHERE repository_blob.digest = blob.digest) RETURNING digest, size_bytes`,
      )
      .all(beforeMs);
    for (const { digest } of rows) moveToTrash(storage, digest);
    return rows;
  });
  for (const { digest } of removed) rmSync(join(storage.trash, hexOf(digest)), { force: true });
  return { blobs: removed.length, bytes: removed.reduce((sum, { size_bytes }) => sum + size_bytes, 0) };
}

function removeUploads({ store, uploads }: RegistryStorage, beforeMs: number): number {
  const rows = store.db
    .query<{ id: string }, [number]>("DELETE FROM upload WHERE used_ms < ? RETURNING id")
    .all(beforeMs);
  for (const { id } of rows) rmSync(join(uploads, id), { force: true });
  return rows.length;
}

/** Files without a record, which a killed process left. A fresh one may be getting its record at this moment. */
function removeStrangers(storage: RegistryStorage, beforeMs: number): void {
  const { db } = storage.store;
  const modifiedMs = (path: string) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY;
  storage.store.transaction(() => {
    for (const hex of readdirSync(storage.blobs)) {
      const path = join(storage.blobs, hex);
      const known = db.query("SELECT 1 FROM blob WHERE digest = ?").get(`sha256:${hex}`) !== null;
      if (!known && modifiedMs(path) < beforeMs) rmSync(path, { force: true });
    }
  });
  for (const id of readdirSync(storage.uploads)) {
    const path = join(storage.uploads, id);
    if (db.query("SELECT 1 FROM upload WHERE id = ?").get(id) === null && modifiedMs(path) < beforeMs)
      rmSync(path, { force: true });
  }
}

function moveToTrash(storage: RegistryStorage, digest: Digest): void {
  try {
    renameSync(blobPath(storage, digest), join(storage.trash, hexOf(digest)));
  } catch (error) {
    // Somebody removed the file by hand; its record goes all the same.
    if (errnoOf(error) !== "ENOENT") throw error;
  }
}
