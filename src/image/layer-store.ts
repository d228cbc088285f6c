import type { Readable } from "node:stream";
import { fail } from "../base/errors.ts";
import { pack, type Unpacked, unpack, unpackFile } from "../snapshot/archive.ts";
import type { OverlayRoot } from "../snapshot/root-access.ts";
import type { Snapshotter } from "../snapshot/snapshotter.ts";
import type { Store } from "../store/database.ts";
import type { ContentStore, StagedBlob } from "./content-store.ts";
import { type ChainId, chainIdOf, type Digest, parseDigest } from "./digest.ts";
import { type LayerBlob, LayerBlobs } from "./layer-blobs.ts";
import { type LayerCompression, layerMediaType } from "./media-types.ts";

/** An archive of nothing (two zero blocks): a step that changed no file makes no layer, as in Docker. */
const EMPTY_TAR = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";

export interface Layer {
  readonly chainId: ChainId;
  readonly parent: ChainId | null;
  readonly diffId: Digest;
  readonly blob: LayerBlob;
  /** Of its files, as Docker counts a layer's size: each once, directories as nothing. */
  readonly sizeBytes: number;
}

/** What an archive turned out to hold. */
interface Content {
  readonly diffId: Digest;
  readonly compression: LayerCompression;
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
  readonly snapshot: number | null;
}

/**
 * Layers: each has its archive as a blob and, once something runs on it, its files as a snapshot that all share. Layers
 * that no image, layer or snapshot stands on are removed with {@link collect}.
 */
export class LayerStore {
  /** Unpackings under way: whoever needs the same layer waits for the same one. */
  readonly #unpacking = new Map<ChainId, Promise<number>>();
  /** How many work on an image of these layers at the moment. */
  readonly #held = new Map<ChainId, number>();
  readonly blobs: LayerBlobs;

  constructor(
    private readonly store: Store,
    private readonly content: ContentStore,
    private readonly snapshotter: Snapshotter,
  ) {
    this.blobs = new LayerBlobs(store, content);
  }

  find(chainId: ChainId): Layer | null {
    const row = this.#row(chainId);
    return row ? layerOf(row) : null;
  }

  /** An image's layers, lowest first. */
  stack(top: ChainId | null): Layer[] {
    const layers: Layer[] = [];
    for (let chainId = top; chainId !== null; ) {
      const layer = layerOf(this.#get(chainId));
      layers.unshift(layer);
      chainId = layer.parent;
    }
    return layers;
  }

  /** Bytes of the files of a layer and all below it. */
  totalSize(top: ChainId): number {
    return this.stack(top).reduce((sum, layer) => sum + layer.sizeBytes, 0);
  }

  /**
   * Stores an archive, packed in any way, as a layer on top of `parent`, and unpacks it in the same pass. One that is
   * there already is returned.
   * @throws the errors of `unpack`; invalid `LAYER_MISMATCH` if it is not what the image's config says. Nothing
   *   is left of an archive that fails.
   */
  async import(
    parent: ChainId | null,
    source: Readable,
    options: { expectedDiffId?: Digest; signal?: AbortSignal } = {},
  ): Promise<Layer> {
    const path = this.content.stagingPath();
    const key = this.snapshotter.prepare("import", parent, true);
    let taken = false;
    try {
      const lower = await this.#lowerPaths(parent);
      const unpacked = await unpack(source, this.snapshotter.upper(key), { blob: path, lower, signal: options.signal });
      const staged = { path, digest: parseDigest(unpacked.blob.digest), sizeBytes: unpacked.blob.size };
      const content = contentOf(unpacked);
      if (options.expectedDiffId !== undefined) assertDiffId(content, options.expectedDiffId);
      return this.store.transaction(() => {
        const layer = this.#adopt(parent, staged, content);
        taken = this.#attach(layer.chainId, key);
        return layer;
      });
    } finally {
      if (!taken) this.snapshotter.remove(key);
      this.content.unstage(path);
    }
  }

  /**
   * As {@link import}, for an archive that is staged already and whose digest is known to be right: it is unpacked where it
   * lies. The staged file is published or left for the caller to remove.
   * @throws the errors of `unpack`; invalid `LAYER_MISMATCH`.
   */
  async importStaged(
    parent: ChainId | null,
    staged: StagedBlob,
    expectedDiffId: Digest,
    signal?: AbortSignal,
  ): Promise<Layer> {
    const key = this.snapshotter.prepare("import", parent, true);
    let taken = false;
    try {
      const lower = await this.#lowerPaths(parent);
      const unpacked = await unpackFile(staged.path, this.snapshotter.upper(key), { lower, signal });
      const content = contentOf(unpacked);
      assertDiffId(content, expectedDiffId);
      if (unpacked.blob.digest !== staged.digest) {
        fail("invalid", "LAYER_MISMATCH", `invalid layer: its blob is ${unpacked.blob.digest}, not ${staged.digest}`);
      }
      return this.store.transaction(() => {
        const layer = this.#adopt(parent, staged, content);
        taken = this.#attach(layer.chainId, key);
        return layer;
      });
    } finally {
      if (!taken) this.snapshotter.remove(key);
    }
  }

  /** Until whoever awaits a layer that was just made has had the time to hold it. */
  #keepForThisTurn(chainId: ChainId): void {
    this.#count([chainId], 1);
    setImmediate(() => this.#count([chainId], -1));
  }

  #count(chainIds: readonly ChainId[], change: 1 | -1): void {
    for (const chainId of chainIds) {
      const count = (this.#held.get(chainId) ?? 0) + change;
      if (count > 0) this.#held.set(chainId, count);
      else this.#held.delete(chainId);
    }
  }

  /** Stores an archive that is staged as a layer, if it is new. */
  #adopt(parent: ChainId | null, staged: StagedBlob, { diffId, compression, sizeBytes }: Content): Layer {
    const layer: Layer = {
      chainId: chainIdOf(parent, diffId),
      parent,
      diffId,
      blob: { digest: staged.digest, mediaType: layerMediaType(compression), sizeBytes: staged.sizeBytes },
      sizeBytes,
    };
    this.#keepForThisTurn(layer.chainId);
    return this.store.transaction(() => {
      const known = this.find(layer.chainId);
      if (known) return known;
      // Another layer may have the same archive: its blob is here, and the staged file may have become it.
      if (!this.blobs.isUsed(staged.digest)) this.content.publish(staged);
      this.#insert(layer);
      return layer;
    });
  }

  /** A layer once more, on top of others: its archive is the same, its files are unpacked when something runs on it. */
  restack(parent: ChainId | null, layer: Layer): Layer {
    const restacked = { ...layer, chainId: chainIdOf(parent, layer.diffId), parent };
    return this.store.transaction(() => {
      const known = this.find(restacked.chainId);
      if (known) return known;
      this.#insert(restacked);
      return restacked;
    });
  }

  /**
   * Makes a layer of what was written to a snapshot on top of `parent`; null if that is nothing.
   * @param keep the writer goes on with the snapshot (a container). Otherwise the store takes the snapshot over: it
   *   becomes the layer's own, with nothing copied, or is removed if there is no new layer.
   * @param newestSeconds later times become this one in the archive, so that it does not depend on when it was made.
   */
  async commit(
    parent: ChainId | null,
    key: number,
    options: { keep: boolean; newestSeconds?: number; signal?: AbortSignal },
  ): Promise<Layer | null> {
    const path = this.content.stagingPath();
    try {
      const packed = await pack(this.snapshotter.upper(key), path, options);
      const diffId = parseDigest(packed.digest);
      const staged = { path, digest: diffId, sizeBytes: packed.size };
      const content: Content = { diffId, compression: "none", sizeBytes: packed.content };
      return this.store.transaction(() => {
        const layer = diffId === EMPTY_TAR ? null : this.#adopt(parent, staged, content);
        const taken = !options.keep && layer !== null && this.#attach(layer.chainId, key);
        if (!options.keep && !taken) this.snapshotter.remove(key);
        return layer;
      });
    } finally {
      this.content.unstage(path);
    }
  }

  /** The snapshots of a layer and all below it, top first, unpacking what nothing has run on yet. */
  async lower(top: ChainId | null): Promise<number[]> {
    const keys: number[] = [];
    for (const { chainId } of this.stack(top)) keys.unshift(await this.#snapshotOf(chainId));
    return keys;
  }

  /** An image's root, to be read only. */
  async root(top: ChainId | null): Promise<OverlayRoot> {
    return this.snapshotter.root(null, await this.lower(top));
  }

  /**
   * Keeps layers, those that are here and those that come, while an image is made of them. When that is over, those of
   * them that nothing stands on are removed. Whoever makes a layer holds it as soon as it is there, for collection runs at
   * any time.
   */
  hold(chainIds: readonly ChainId[]): Disposable {
    this.#count(chainIds, 1);
    return {
      [Symbol.dispose]: () => {
        this.#count(chainIds, -1);
        for (const chainId of chainIds.toReversed()) if (this.#row(chainId)) this.discard(this.collect(chainId));
      },
    };
  }

  /**
   * Whether somebody works on just these layers at the moment: transfers them, or writes on top of them.
   * @param isAccounted whether an owner of writes is one whose use of images is looked at elsewhere
   */
  isBusy(top: ChainId | null, isAccounted: (owner: string) => boolean): boolean {
    if (top === null) return false;
    const writers = this.store.db
      .query<{ owner: string }, [string]>("SELECT owner FROM snapshot WHERE parent_chain_id = ?")
      .all(top);
    return this.#held.has(top) || writers.some(({ owner }) => !isAccounted(owner));
  }

  /**
   * Removes a layer, and then those below it, until one that something else stands on. Joins a running transaction.
   * @returns what was removed, top first; hand it to {@link discard} when the transaction is done.
   */
  collect(top: ChainId | null): RemovedLayer[] {
    return this.store.transaction(() => {
      const removed: RemovedLayer[] = [];
      for (let chainId = top; chainId !== null && !this.#isUsed(chainId); ) {
        const row = this.#get(chainId);
        this.store.db.query("DELETE FROM layer WHERE chain_id = ?").run(chainId);
        if (row.snapshot !== null) this.store.db.query("DELETE FROM snapshot WHERE key = ?").run(row.snapshot);
        removed.push({ chainId, blobDigest: row.blob_digest, snapshot: row.snapshot });
        chainId = row.parent_chain_id;
      }
      return removed;
    });
  }

  /** Removes the files of what {@link collect} removed; in the same turn as its transaction. */
  discard(removed: readonly RemovedLayer[]): void {
    for (const { blobDigest, snapshot } of removed) {
      if (snapshot !== null) this.snapshotter.discard(snapshot);
      this.blobs.discard(blobDigest);
    }
  }

  /** Removes layers that belong to nothing: whoever made them was killed, or failed, before it made their image. */
  sweep(): void {
    const tops = this.store.db
      .query<{ chain_id: ChainId }, []>(
        `SELECT chain_id FROM layer WHERE chain_id NOT IN (SELECT parent_chain_id FROM layer WHERE parent_chain_id NOT NULL)`,
      )
      .all();
    for (const { chain_id } of tops) this.discard(this.collect(chain_id));
    this.blobs.sweep();
  }

  async #snapshotOf(chainId: ChainId): Promise<number> {
    const known = this.#get(chainId).snapshot;
    if (known !== null) return known;
    let pending = this.#unpacking.get(chainId);
    if (!pending) {
      pending = this.#unpack(this.#get(chainId)).finally(() => this.#unpacking.delete(chainId));
      this.#unpacking.set(chainId, pending);
    }
    return pending;
  }

  async #unpack(row: Row): Promise<number> {
    const lower = await this.#lowerPaths(row.parent_chain_id);
    // The layer itself is what must stay while it is unpacked, and it keeps those below.
    const key = this.snapshotter.prepare("unpack", row.chain_id, true);
    let taken = false;
    try {
      const { tar } = await unpackFile(this.content.path(row.blob_digest), this.snapshotter.upper(key), { lower });
      if (tar.digest !== row.diff_id) {
        fail("internal", "BLOB_DAMAGED", `layer ${row.diff_id} unpacks to ${tar.digest}: its blob is damaged`);
      }
      taken = this.store.transaction(() => this.#attach(row.chain_id, key));
      return this.#get(row.chain_id).snapshot ?? key;
    } finally {
      if (!taken) this.snapshotter.remove(key);
    }
  }

  async #lowerPaths(top: ChainId | null): Promise<string[]> {
    return (await this.lower(top)).map((key) => this.snapshotter.upper(key));
  }

  #insert(layer: Layer): void {
    const { chainId, parent, diffId, blob, sizeBytes } = layer;
    this.store.db
      .query(
        `INSERT INTO layer (chain_id, parent_chain_id, diff_id, blob_digest, blob_media_type, blob_size_bytes, size_bytes)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(chainId, parent, diffId, blob.digest, blob.mediaType, blob.sizeBytes, sizeBytes);
  }

  /** Makes a snapshot the layer's; false if it has one already. */
  #attach(chainId: ChainId, key: number): boolean {
    if (this.#get(chainId).snapshot !== null) return false;
    this.snapshotter.seal(key, chainId);
    this.store.db.query("UPDATE layer SET snapshot = ? WHERE chain_id = ?").run(key, chainId);
    return true;
  }

  #isUsed(chainId: ChainId): boolean {
    return (
      this.#held.has(chainId) ||
      this.store.db
        .query(
          `SELECT 1 FROM image WHERE chain_id = ?1
           UNION ALL SELECT 1 FROM layer WHERE parent_chain_id = ?1
           UNION ALL SELECT 1 FROM snapshot WHERE parent_chain_id = ?1
           UNION ALL SELECT 1 FROM build_output WHERE chain_id = ?1`,
        )
        .get(chainId) !== null
    );
  }

  #row(chainId: ChainId): Row | null {
    return this.store.db.query<Row, [string]>("SELECT * FROM layer WHERE chain_id = ?").get(chainId);
  }

  #get(chainId: ChainId): Row {
    return this.#row(chainId) ?? fail("not-found", "LAYER_NOT_FOUND", `no such layer: ${chainId}`);
  }
}

/** A layer whose row is gone and whose files are to go. */
export interface RemovedLayer {
  readonly chainId: ChainId;
  readonly blobDigest: Digest;
  readonly snapshot: number | null;
}

function contentOf({ tar, compression, content }: Unpacked): Content {
  return { diffId: parseDigest(tar.digest), compression, sizeBytes: content };
}

function assertDiffId({ diffId }: Content, expected: Digest): void {
  if (diffId === expected) return;
  fail("invalid", "LAYER_MISMATCH", `invalid layer: its archive is ${diffId}, but the image names ${expected}`);
}

function layerOf(row: Row): Layer {
  return {
    chainId: row.chain_id,
    parent: row.parent_chain_id,
    diffId: row.diff_id,
    blob: { digest: row.blob_digest, mediaType: row.blob_media_type, sizeBytes: row.blob_size_bytes },
    sizeBytes: row.size_bytes,
  };
}
