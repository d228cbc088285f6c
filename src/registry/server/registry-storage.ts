import { existsSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { errnoOf } from "../../base/errors.ts";
import { type Digest, hexOf } from "../../image/digest.ts";
import { Store } from "../../store/database.ts";
import { refuse } from "./refusal.ts";
import { REGISTRY_MIGRATIONS } from "./schema.ts";

/** Another process - garbage collection - holds the database for moments only. */
const BUSY_TIMEOUT_MS = 30_000;

export interface StoredBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly path: string;
}

/** How much may be stored; null: without bound. */
export interface Quotas {
  readonly totalBytes: number | null;
  readonly repositoryBytes: number | null;
}

/**
 * A registry's directory: `registry.db`, `blobs/sha256/<hex>`, `uploads/<id>`, `trash/`. A blob is there when its row is; its
 * file is renamed into place before the transaction that says so is over, and goes to the trash before the one that takes it
 * back, so that a process killed at any point leaves only files too many, which {@link openStorage} and garbage collection
 * clear. Several processes may work on one directory.
 */
export interface RegistryStorage extends Disposable {
  readonly store: Store;
  readonly blobs: string;
  readonly uploads: string;
  readonly trash: string;
  /** `blobs/sha256` of an engine on the same file system: what both have is one file with two names. */
  readonly shared: string | null;
  readonly quotas: Quotas;
}

export function openStorage(root: string, options: { shared?: string | null; quotas?: Quotas } = {}): RegistryStorage {
  const [blobs, uploads, trash] = [join(root, "blobs", "sha256"), join(root, "uploads"), join(root, "trash")];
  for (const directory of [blobs, uploads, trash]) mkdirSync(directory, { recursive: true, mode: 0o700 });
  const store = Store.open(join(root, "registry.db"), REGISTRY_MIGRATIONS);
  store.db.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  const storage = {
    store,
    blobs,
    uploads,
    trash,
    shared: options.shared ?? null,
    quotas: options.quotas ?? { totalBytes: null, repositoryBytes: null },
    [Symbol.dispose]: () => store[Symbol.dispose](),
  };
  restoreTrash(storage);
  return storage;
}

export function blobPath({ blobs }: RegistryStorage, digest: Digest): string {
  return join(blobs, hexOf(digest));
}

/** A blob that a repository shows. */
export function findBlob(storage: RegistryStorage, repository: string, digest: Digest): StoredBlob | null {
  const row = storage.store.db
    .query<{ size_bytes: number }, [string, string]>(
      "SELECT size_bytes FROM repository_blob JOIN blob USING (digest) WHERE repository = ? AND digest = ?",
    )
    .get(repository, digest);
  return row && { digest, sizeBytes: row.size_bytes, path: blobPath(storage, digest) };
}

/** Keeps a blob from garbage collection for its grace period: whoever asks for it may be about to push a manifest with it. */
export function keepBlob({ store }: RegistryStorage, repository: string, digest: Digest): void {
  store.db
    .query("UPDATE repository_blob SET used_ms = ?3 WHERE repository = ?1 AND digest = ?2 AND used_ms < ?3 - 1000")
    .run(repository, digest, Date.now());
}

/**
 * Gives a complete, verified and synced file its place, or removes it if the blob is here already, and shows it in a
 * repository. @throws DENIED over a quota
 */
export function publishBlob(storage: RegistryStorage, repository: string, blob: StoredBlob): void {
  storage.store.transaction(() => {
    const { digest, sizeBytes, path } = blob;
    if (storage.store.db.query("SELECT 1 FROM blob WHERE digest = ?").get(digest) === null) {
      assertQuotas(storage, repository, sizeBytes);
      if (!linkShared(storage, digest, sizeBytes)) renameSync(path, blobPath(storage, digest));
      storage.store.db
        .query("INSERT INTO blob (digest, size_bytes, used_ms) VALUES (?, ?, ?)")
        .run(digest, sizeBytes, Date.now());
    }
    showBlob(storage, repository, digest);
  });
  rmSync(blob.path, { force: true });
}

/** Shows a blob of one repository in another as well. @returns whether the first has it. */
export function mountBlob(storage: RegistryStorage, from: string, to: string, digest: Digest): boolean {
  return storage.store.transaction(() => {
    if (findBlob(storage, from, digest) === null) return false;
    showBlob(storage, to, digest);
    return true;
  });
}

/** Takes a blob out of a repository; its file goes with garbage collection. @returns whether it was there. */
export function hideBlob({ store }: RegistryStorage, repository: string, digest: Digest): boolean {
  return (
    store.db.query("DELETE FROM repository_blob WHERE repository = ? AND digest = ?").run(repository, digest).changes >
    0
  );
}

/** @throws DENIED if so many bytes more were too many. */
export function assertQuotas(storage: RegistryStorage, repository: string, moreBytes: number): void {
  const { totalBytes, repositoryBytes } = storage.quotas;
  if (totalBytes !== null && usage(storage).bytes + moreBytes > totalBytes) {
    refuse("DENIED", `quota exceeded: the registry may hold ${totalBytes} bytes`);
  }
  if (repositoryBytes !== null && repositoryUsage(storage, repository) + moreBytes > repositoryBytes) {
    refuse("DENIED", `quota exceeded: repository ${repository} may hold ${repositoryBytes} bytes`);
  }
}

/** All blobs, each counted once. */
export function usage({ store }: RegistryStorage): { blobs: number; bytes: number } {
  return (
    store.db
      .query<{ blobs: number; bytes: number }, []>(
        "SELECT count(*) AS blobs, coalesce(sum(size_bytes), 0) AS bytes FROM blob",
      )
      .get() ?? { blobs: 0, bytes: 0 }
  );
}

function repositoryUsage({ store }: RegistryStorage, repository: string): number {
  return (
    store.db
      .query<{ bytes: number }, [string]>(
        "SELECT coalesce(sum(size_bytes), 0) AS bytes FROM repository_blob JOIN blob USING (digest) WHERE repository = ?",
      )
      .get(repository)?.bytes ?? 0
  );
}

function showBlob({ store }: RegistryStorage, repository: string, digest: Digest): void {
  store.db
    .query(
      "INSERT INTO repository_blob (repository, digest, used_ms) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET used_ms = ?3",
    )
    .run(repository, digest, Date.now());
  store.db.query("UPDATE blob SET used_ms = ? WHERE digest = ?").run(Date.now(), digest);
}

/** Where an engine has the same blob, its file gets a second name here. Either may remove its own name at any time. */
function linkShared(storage: RegistryStorage, digest: Digest, sizeBytes: number): boolean {
  if (storage.shared === null) return false;
  const theirs = join(storage.shared, hexOf(digest));
  try {
    if (statSync(theirs).size !== sizeBytes) return false;
    rmSync(blobPath(storage, digest), { force: true });
    linkSync(theirs, blobPath(storage, digest));
    return true;
  } catch (error) {
    // Not there, or on another file system: then we keep our own.
    if (["ENOENT", "EXDEV", "EPERM", "EMLINK"].includes(errnoOf(error) ?? "")) return false;
    throw error;
  }
}

/** Files whose removal was begun and not said to be over come back; those that were really removed go. */
function restoreTrash(storage: RegistryStorage): void {
  storage.store.transaction(() => {
    for (const hex of readdirSync(storage.trash)) {
      const known = storage.store.db.query("SELECT 1 FROM blob WHERE digest = ?").get(`sha256:${hex}`) !== null;
      const place = join(storage.blobs, hex);
      if (known && !existsSync(place)) renameSync(join(storage.trash, hex), place);
      else rmSync(join(storage.trash, hex), { force: true });
    }
  });
}
