import type { Store } from "../store/database.ts";
import type { ChainId, Digest } from "./digest.ts";
import type { LayerBlob } from "./layer-blobs.ts";

export interface Layer {
  readonly chainId: ChainId;
  readonly parent: ChainId | null;
  readonly diffId: Digest;
  readonly blob: LayerBlob;
  /** Of its files, as Docker counts a layer's size: each once, directories as nothing. */
  readonly sizeBytes: number;
}

interface Row {
  readonly chain_id: ChainId;
  readonly parent_chain_id: ChainId | null;
  readonly diff_id: Digest;
  readonly blob_digest: Digest;
  readonly blob_media_type: string;
  readonly blob_size_bytes: number;
  readonly size_bytes: number;
}

export function findLayer({ db }: Store, chainId: ChainId): Layer | null {
  const row = db.query<Row, [string]>("SELECT * FROM layer WHERE chain_id = ?").get(chainId);
  return (
    row && {
      chainId: row.chain_id,
      parent: row.parent_chain_id,
      diffId: row.diff_id,
      blob: { digest: row.blob_digest, mediaType: row.blob_media_type, sizeBytes: row.blob_size_bytes },
      sizeBytes: row.size_bytes,
    }
  );
}

/** Where a layer's files are; null until something needs them. */
export function layerSnapshot({ db }: Store, chainId: ChainId): number | null {
  const row = db
    .query<{ snapshot: number | null }, [string]>("SELECT snapshot FROM layer WHERE chain_id = ?")
    .get(chainId);
  return row?.snapshot ?? null;
}

export function insertLayer({ db }: Store, { chainId, parent, diffId, blob, sizeBytes }: Layer): void {
  db.query(
    `INSERT INTO layer (chain_id, parent_chain_id, diff_id, blob_digest, blob_media_type, blob_size_bytes, size_bytes)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  ).run(chainId, parent, diffId, blob.digest, blob.mediaType, blob.sizeBytes, sizeBytes);
}

/** Layers that no other layer stands on. */
export function topmostLayers({ db }: Store): ChainId[] {
  return db
    .query<{ chain_id: ChainId }, []>(
      `SELECT chain_id FROM layer WHERE chain_id NOT IN (SELECT parent_chain_id FROM layer WHERE parent_chain_id NOT NULL)`,
    )
    .all()
    .map(({ chain_id }) => chain_id);
}

/** Whether a record says that something stands on a layer. */
export function isStoodOn({ db }: Store, chainId: ChainId): boolean {
  return (
    db
      .query(
        `SELECT 1 FROM image WHERE chain_id = ?1
         UNION ALL SELECT 1 FROM layer WHERE parent_chain_id = ?1
         UNION ALL SELECT 1 FROM snapshot WHERE parent_chain_id = ?1
         UNION ALL SELECT 1 FROM build_output WHERE chain_id = ?1`,
      )
      .get(chainId) !== null
  );
}
