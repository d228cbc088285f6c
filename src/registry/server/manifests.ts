import type { Digest } from "../../image/digest.ts";
import { type Descriptor, isForeign, type ManifestDocument } from "../protocol/manifest-document.ts";
import { refuse } from "./refusal.ts";
import type { RegistryStorage } from "./registry-storage.ts";

export interface StoredManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

interface Row {
  readonly digest: Digest;
  readonly media_type: string;
  readonly document: Uint8Array;
}

export function findManifest({ store }: RegistryStorage, repository: string, digest: Digest): StoredManifest | null {
  const row = store.db
    .query<Row, [string, string]>(
      "SELECT digest, media_type, document FROM manifest WHERE repository = ? AND digest = ?",
    )
    .get(repository, digest);
  return row && { digest: row.digest, mediaType: row.media_type, bytes: row.document };
}

export function findTag(
  { store }: RegistryStorage,
  repository: string,
  tag: string,
): { digest: Digest; checkedMs: number } | null {
  const row = store.db
    .query<{ digest: Digest; checked_ms: number }, [string, string]>(
      "SELECT digest, checked_ms FROM tag WHERE repository = ? AND name = ?",
    )
    .get(repository, tag);
  return row && { digest: row.digest, checkedMs: row.checked_ms };
}

/**
 * Stores a manifest and, in the same transaction, makes sure that what it refers to is here and gives it its tag.
 * @param incomplete its blobs may be missing: a cache gets them when they are asked for.
 * @throws MANIFEST_BLOB_UNKNOWN, naming what is missing. A missing subject is allowed, as the spec demands.
 */
export function putManifest(
  storage: RegistryStorage,
  repository: string,
  manifest: StoredManifest & { readonly document: ManifestDocument },
  options: { tag: string | null; incomplete?: boolean },
): void {
  const { db } = storage.store;
  const { digest, mediaType, bytes, document } = manifest;
  storage.store.transaction(() => {
    if (!options.incomplete) assertComplete(storage, repository, document);
    db.query(
      `INSERT INTO manifest (repository, digest, media_type, artifact_type, annotations, subject, document, pushed_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET pushed_ms = excluded.pushed_ms`,
    ).run(
      repository,
      digest,
      mediaType,
      artifactTypeOf(document),
      document.manifest.annotations ? JSON.stringify(document.manifest.annotations) : null,
      document.manifest.subject?.digest ?? null,
      bytes,
      Date.now(),
    );
    const refer = db.query(
      "INSERT OR IGNORE INTO manifest_reference (repository, manifest, child, size_bytes) VALUES (?, ?, ?, ?)",
    );
    for (const child of childrenOf(document)) refer.run(repository, digest, child.digest, child.size);
    if (options.tag !== null) setTag(storage, repository, options.tag, digest);
  });
}

export function setTag({ store }: RegistryStorage, repository: string, tag: string, digest: Digest): void {
  store.db
    .query(
      `INSERT INTO tag (repository, name, digest, checked_ms) VALUES (?1, ?2, ?3, ?4)
       ON CONFLICT DO UPDATE SET digest = ?3, checked_ms = ?4`,
    )
    .run(repository, tag, digest, Date.now());
}

/** Removes a manifest with its tags. @returns whether it was there. */
export function deleteManifest({ store }: RegistryStorage, repository: string, digest: Digest): boolean {
  return store.db.query("DELETE FROM manifest WHERE repository = ? AND digest = ?").run(repository, digest).changes > 0;
}

/** Removes a tag; its manifest stays. @returns whether it was there. */
export function deleteTag({ store }: RegistryStorage, repository: string, tag: string): boolean {
  return store.db.query("DELETE FROM tag WHERE repository = ? AND name = ?").run(repository, tag).changes > 0;
}

/** Size of a blob as some manifest of the repository has it; null if none speaks of it. */
export function announcedSize({ store }: RegistryStorage, repository: string, digest: Digest): number | null {
  return (
    store.db
      .query<{ size_bytes: number }, [string, string]>(
        "SELECT size_bytes FROM manifest_reference WHERE repository = ? AND child = ? LIMIT 1",
      )
      .get(repository, digest)?.size_bytes ?? null
  );
}

/** The manifests that say to belong to `subject`, as descriptors (OCI distribution spec, "Listing Referrers"). */
export function referrersOf(
  { store }: RegistryStorage,
  repository: string,
  subject: Digest,
  artifactType: string | null,
): unknown[] {
  return store.db
    .query<Row & { artifact_type: string | null; annotations: string | null }, [string, string, string | null]>(
      `SELECT * FROM manifest WHERE repository = ?1 AND subject = ?2 AND (?3 IS NULL OR artifact_type = ?3) ORDER BY pushed_ms`,
    )
    .all(repository, subject, artifactType)
    .map((row) => ({
      mediaType: row.media_type,
      digest: row.digest,
      size: row.document.length,
      ...(row.artifact_type && { artifactType: row.artifact_type }),
      ...(row.annotations && { annotations: JSON.parse(row.annotations) }),
    }));
}

/** Tags behind `last` in the order of bytes; null if the repository does not exist. */
export function listTags({ store }: RegistryStorage, repository: string, last: string, limit: number): string[] | null {
  const exists = store.db.query("SELECT 1 FROM manifest WHERE repository = ? LIMIT 1").get(repository) !== null;
  if (!exists) return null;
  return store.db
    .query<{ name: string }, [string, string, number]>(
      "SELECT name FROM tag WHERE repository = ? AND name > ? ORDER BY name LIMIT ?",
    )
    .all(repository, last, limit)
    .map(({ name }) => name);
}

export function listRepositories({ store }: RegistryStorage, last: string, limit: number): string[] {
  return store.db
    .query<{ repository: string }, [string, number]>(
      "SELECT DISTINCT repository FROM manifest WHERE repository > ? ORDER BY repository LIMIT ?",
    )
    .all(last, limit)
    .map(({ repository }) => repository);
}

function assertComplete({ store }: RegistryStorage, repository: string, document: ManifestDocument): void {
  const here =
    document.kind === "index"
      ? store.db.query("SELECT 1 FROM manifest WHERE repository = ? AND digest = ?")
      : store.db.query("SELECT 1 FROM repository_blob WHERE repository = ? AND digest = ?");
  for (const { digest } of childrenOf(document)) {
    if (here.get(repository, digest) === null) {
      const [code, what] =
        document.kind === "index"
          ? (["MANIFEST_UNKNOWN", "manifest"] as const)
          : (["MANIFEST_BLOB_UNKNOWN", "blob"] as const);
      refuse(code, `${what} unknown to registry`, {}, { digest });
    }
  }
}

/** What must be here for the manifest to be of use. */
function childrenOf(document: ManifestDocument): Descriptor[] {
  if (document.kind === "index") return document.manifest.manifests;
  const { config, layers } = document.manifest;
  return [config, ...layers].filter((descriptor) => !isForeign(descriptor));
}

/** Of an image manifest without a type of its own, its config's (OCI distribution spec, "Listing Referrers"). */
function artifactTypeOf(document: ManifestDocument): string | null {
  return document.manifest.artifactType || (document.kind === "image" ? document.manifest.config.mediaType : null);
}
