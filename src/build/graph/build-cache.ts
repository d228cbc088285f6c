import { z } from "zod";
import { nowNanoseconds } from "../../base/timestamp.ts";
import type { ChainId } from "../../image/digest.ts";
import type { LayerStore } from "../../image/layer-store.ts";
import type { Store } from "../../store/database.ts";

/** A step's outcome as the cache has it. */
export interface CachedResult {
  readonly id: number;
  /** One for each output of the vertex. */
  readonly outputs: readonly (ChainId | null)[];
  /** RFC 3339. */
  readonly created: string;
  /** Digests of what was copied, as a classic history shows them. */
  readonly copied: readonly string[];
}

export interface CacheRecord {
  readonly id: number;
  readonly description: string;
  readonly created: string;
  readonly lastUsedNs: number;
  readonly useCount: number;
  /** Bytes of the layers that the step itself made. */
  readonly sizeBytes: number;
  /** An image stands on it as well: to forget it frees nothing. */
  readonly shared: boolean;
}

interface Row {
  readonly id: number;
  readonly description: string;
  readonly created: string;
  readonly last_used_ns: number;
  readonly use_count: number;
  readonly size_bytes: number;
  readonly document: string;
}

const DocumentSchema = z.object({ copied: z.array(z.string()) });

/**
 * Which layers a step made of what it stands on, so that the next build need not make them again. A key is a digest over the
 * operation and what it reads; one result may have several: by its inputs' layers, which is quick to know, and by the content
 * of what it takes from them, which is still the same when a stage before was built anew.
 *
 * A result keeps its layers (the layer store asks `build_output`) until it is pruned. It is written in one transaction after
 * its layers are whole: an engine that is killed loses the step under way and nothing else.
 */
export class BuildCache {
  constructor(
    private readonly store: Store,
    private readonly layers: LayerStore,
  ) {}

  find(key: string): CachedResult | null {
    const row = this.store.db
      .query<Row, [string]>("SELECT r.* FROM build_key JOIN build_result r ON r.id = result_id WHERE key = ?")
      .get(key);
    return row && this.#resultOf(row);
  }

  keysOf(id: number): string[] {
    return this.store.db
      .query<{ key: string }, [number]>("SELECT key FROM build_key WHERE result_id = ? ORDER BY key")
      .all(id)
      .map(({ key }) => key);
  }

  /** Notes that a result was used again, and that it is known by this key as well. */
  use(id: number, key: string): void {
    this.store.transaction(() => {
      this.store.db
        .query("UPDATE build_result SET last_used_ns = ?, use_count = use_count + 1 WHERE id = ?")
        .run(nowNanoseconds(), id);
      this.#setKey(key, id);
    });
  }

  record(
    keys: readonly string[],
    result: Omit<CachedResult, "id">,
    facts: { readonly description: string; readonly sizeBytes: number },
  ): void {
    this.store.transaction(() => {
      const id = Number(
        this.store.db
          .query(
            `INSERT INTO build_result (description, created, last_used_ns, use_count, size_bytes, document)
             VALUES (?, ?, ?, 1, ?, ?)`,
          )
          .run(
            facts.description,
            result.created,
            nowNanoseconds(),
            facts.sizeBytes,
            JSON.stringify({ copied: result.copied }),
          ).lastInsertRowid,
      );
      for (const [position, chainId] of result.outputs.entries()) {
        this.store.db
          .query("INSERT INTO build_output (result_id, position, chain_id) VALUES (?, ?, ?)")
          .run(id, position, chainId);
      }
      for (const key of keys) this.#setKey(key, id);
      // One that was replaced (--no-cache) would only take space.
      this.#removeWhere("id NOT IN (SELECT result_id FROM build_key)");
    });
  }

  /** Last used first. */
  records(): CacheRecord[] {
    return this.store.db
      .query<Row & { shared: number }, []>(
        `SELECT r.*, EXISTS (
           SELECT 1 FROM build_output o WHERE o.result_id = r.id AND (
             EXISTS (SELECT 1 FROM image WHERE image.chain_id = o.chain_id)
             OR EXISTS (SELECT 1 FROM layer WHERE layer.parent_chain_id = o.chain_id)
           )
         ) AS shared FROM build_result r ORDER BY last_used_ns DESC`,
      )
      .all()
      .map((row) => ({
        id: row.id,
        description: row.description,
        created: row.created,
        lastUsedNs: row.last_used_ns,
        useCount: row.use_count,
        sizeBytes: row.size_bytes,
        shared: row.shared !== 0,
      }));
  }

  /** Forgets results and removes the layers that only they kept. What a build under way uses stays as long as it needs it. */
  remove(ids: readonly number[]): void {
    if (ids.length === 0) return;
    this.store.transaction(() => this.#removeWhere(`id IN (${ids.map(Number).join(",")})`));
  }

  #removeWhere(condition: string): void {
    const chains = this.store.db
      .query<{ chain_id: ChainId }, []>(
        `SELECT DISTINCT chain_id FROM build_output
         WHERE chain_id NOT NULL AND result_id IN (SELECT id FROM build_result WHERE ${condition})`,
      )
      .all();
    this.store.db.query(`DELETE FROM build_result WHERE ${condition}`).run();
    for (const { chain_id } of chains) {
      if (this.layers.find(chain_id)) this.layers.discard(this.layers.collect(chain_id));
    }
  }

  #setKey(key: string, id: number): void {
    this.store.db
      .query("INSERT INTO build_key (key, result_id) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET result_id = ?2")
      .run(key, id);
  }

  #resultOf(row: Row): CachedResult {
    const outputs = this.store.db
      .query<{ chain_id: ChainId | null }, [number]>(
        "SELECT chain_id FROM build_output WHERE result_id = ? ORDER BY position",
      )
      .all(row.id);
    const { copied } = DocumentSchema.parse(JSON.parse(row.document));
    return { id: row.id, outputs: outputs.map(({ chain_id }) => chain_id), created: row.created, copied };
  }
}
