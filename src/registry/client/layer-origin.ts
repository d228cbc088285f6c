import { nowNanoseconds } from "../../base/timestamp.ts";
import type { Digest } from "../../image/digest.ts";
import { canonicalRepository, type Reference } from "../../image/reference.ts";
import type { Store } from "../../store/database.ts";

/** More than a few places to mount a blob from are of no use. */
const KEPT_ORIGINS = 8;

/** Notes that a repository has these blobs, as was just seen. */
export function noteOrigin(store: Store, repository: Reference, blobs: readonly Digest[]): void {
  store.transaction(() => {
    const note = store.db.query(
      "INSERT INTO layer_origin (blob_digest, repository, seen_ns) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET seen_ns = ?3",
    );
    const trim = store.db.query(
      `DELETE FROM layer_origin WHERE blob_digest = ?1 AND repository NOT IN
         (SELECT repository FROM layer_origin WHERE blob_digest = ?1 ORDER BY seen_ns DESC LIMIT ?2)`,
    );
    for (const digest of blobs) {
      note.run(digest, canonicalRepository(repository), nowNanoseconds());
      trim.run(digest, KEPT_ORIGINS);
    }
  });
}

/** Other repositories of the same registry that had a blob when last seen, newest first: their paths. */
export function originsOf(store: Store, { domain, path }: Reference, digest: Digest): string[] {
  return store.db
    .query<{ path: string }, [string, string]>(
      `SELECT substr(repository, length(?2) + 2) AS path FROM layer_origin
       WHERE blob_digest = ?1 AND substr(repository, 1, length(?2) + 1) = ?2 || '/' ORDER BY seen_ns DESC`,
    )
    .all(digest, domain)
    .map((row) => row.path)
    .filter((other) => other !== path);
}
