import { KeyedLock } from "../base/keyed-lock.ts";
import { compress } from "../snapshot/archive.ts";
import type { Store } from "../store/database.ts";
import type { ContentStore } from "./content-store.ts";
import { type Digest, parseDigest } from "./digest.ts";
import { layerMediaType, OCI_LAYER } from "./media-types.ts";

/** A layer's archive as it is stored or sent. */
export interface LayerBlob {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly sizeBytes: number;
}

/**
 * The files that belong to layers: the archives as they came or were made, which several layers may share, and the packed
 * forms of those that were pushed, which go with them.
 */
export class LayerBlobs {
  readonly #locks = new KeyedLock();

  constructor(
    private readonly store: Store,
    private readonly content: ContentStore,
  ) {}

  isUsed(digest: Digest): boolean {
    return (
      this.store.db
        .query(
          `SELECT 1 FROM layer WHERE blob_digest = ?1
           UNION ALL SELECT 1 FROM packed_blob WHERE packed_digest = ?1`,
        )
        .get(digest) !== null
    );
  }

  all(): Digest[] {
    return this.store.db
      .query<{ digest: Digest }, []>(
        "SELECT blob_digest AS digest FROM layer UNION SELECT packed_digest FROM packed_blob",
      )
      .all()
      .map(({ digest }) => digest);
  }

  /**
   * An archive as registries should get it: one that was made here, and so is plain, compressed. That is done once; the
   * result is kept as long as the layer, whom the caller holds.
   */
  async packed(blob: LayerBlob, signal?: AbortSignal): Promise<LayerBlob> {
    if (blob.mediaType !== OCI_LAYER) return blob;
    return this.#locks.run(blob.digest, async () => this.#findPacked(blob.digest) ?? (await this.#pack(blob, signal)));
  }

  /** Removes a layer's archive and its packed form, unless other layers have the same; in the turn of that transaction. */
  discard(digest: Digest): void {
    if (this.isUsed(digest)) return;
    this.content.delete(digest);
    const packed = this.#findPacked(digest);
    if (!packed) return;
    this.store.db.query("DELETE FROM packed_blob WHERE blob_digest = ?").run(digest);
    if (!this.isUsed(packed.digest)) this.content.delete(packed.digest);
  }

  /** Forgets packed forms whose layers went while the engine was killed. */
  sweep(): void {
    this.store.db.run("DELETE FROM packed_blob WHERE blob_digest NOT IN (SELECT blob_digest FROM layer)");
  }

  async #pack({ digest }: LayerBlob, signal?: AbortSignal): Promise<LayerBlob> {
    const path = this.content.stagingPath();
    try {
      const made = await compress(this.content.path(digest), path, signal);
      const packed = { digest: parseDigest(made.digest), sizeBytes: made.size };
      return this.store.transaction(() => {
        if (!this.isUsed(packed.digest)) this.content.publish({ path, ...packed });
        this.store.db
          .query("INSERT INTO packed_blob (blob_digest, packed_digest, packed_size_bytes) VALUES (?, ?, ?)")
          .run(digest, packed.digest, packed.sizeBytes);
        return { ...packed, mediaType: layerMediaType("gzip") };
      });
    } finally {
      this.content.unstage(path);
    }
  }

  #findPacked(digest: Digest): LayerBlob | null {
    const row = this.store.db
      .query<{ packed_digest: Digest; packed_size_bytes: number }, [string]>(
        "SELECT packed_digest, packed_size_bytes FROM packed_blob WHERE blob_digest = ?",
      )
      .get(digest);
    return row && { digest: row.packed_digest, sizeBytes: row.packed_size_bytes, mediaType: layerMediaType("gzip") };
  }
}
