import type { Readable } from "node:stream";
import { fail } from "../base/errors.ts";
import { pack, type Unpacked, unpack, unpackFile } from "../snapshot/archive.ts";
import type { OverlayRoot } from "../snapshot/root-access.ts";
import type { Snapshotter } from "../snapshot/snapshotter.ts";
import type { Store } from "../store/database.ts";
import type { ContentStore, StagedBlob } from "./content-store.ts";
import { type ChainId, chainIdOf, type Digest, parseDigest } from "./digest.ts";
import { LayerBlobs } from "./layer-blobs.ts";
import { LayerHolds } from "./layer-holds.ts";
import { findLayer, insertLayer, isStoodOn, type Layer, layerSnapshot, topmostLayers } from "./layer-record.ts";
import { type LayerCompression, layerMediaType } from "./media-types.ts";

/** An archive of nothing (two zero blocks): a step that changed no file makes no layer, as in Docker. */
const EMPTY_TAR = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";

/** What an archive turned out to hold. */
interface Content {
  readonly diffId: Digest;
  readonly compression: LayerCompression;
  readonly sizeBytes: number;
}

/**
 * Layers: each has its archive as a blob and, once something runs on it, its files as a snapshot that all share. Layers
 * that no image, layer or snapshot stands on are removed with {@link collect}.
 */
export class LayerStore {
  /** Unpackings under way: whoever needs the same layer waits for the same one. */
  readonly #unpacking = new Map<ChainId, Promise<number>>();
  readonly #holds = new LayerHolds();
  readonly blobs: LayerBlobs;

  constructor(
    private readonly store: Store,
    private readonly content: ContentStore,
    private readonly snapshotter: Snapshotter,
  ) {
    this.blobs = new LayerBlobs(store, content);
  }

  find(chainId: ChainId): Layer | null {
    return findLayer(this.store, chainId);
  }

  /** An image's layers, lowest first. */
  stack(top: ChainId | null): Layer[] {
    const layers: Layer[] = [];
    for (let chainId = top; chainId !== null; ) {
      const layer = this.#get(chainId);
      layers.unshift(layer);
      chainId = layer.parent;
    }
    return layers;
  }

  /** Bytes of the files of all layers that are here, whoever needs them. */
  allBytes(): number {
    const sum = "SELECT sum(size_bytes) AS bytes FROM layer";
    return this.store.db.query<{ bytes: number | null }, []>(sum).get()?.bytes ?? 0;
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
    { expectedDiffId, signal }: { expectedDiffId?: Digest; signal?: AbortSignal } = {},
  ): Promise<Layer> {
    const path = this.content.stagingPath();
    try {
      return await this.#unpackNew(parent, expectedDiffId, async (into, lower) => {
        const unpacked = await unpack(source, into, { blob: path, lower, signal });
        const { digest, size } = unpacked.blob;
        return { unpacked, staged: { path, digest: parseDigest(digest), sizeBytes: size } };
      });
    } finally {
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
    return this.#unpackNew(parent, expectedDiffId, async (into, lower) => {
      const unpacked = await unpackFile(staged.path, into, { lower, signal });
      if (unpacked.blob.digest !== staged.digest) {
        fail("invalid", "LAYER_MISMATCH", `invalid layer: its blob is ${unpacked.blob.digest}, not ${staged.digest}`);
      }
      return { unpacked, staged };
    });
  }

  /** @param work unpacks the archive into a snapshot's directory, and says where the archive itself is staged. */
  async #unpackNew(
    parent: ChainId | null,
    expectedDiffId: Digest | undefined,
    work: (into: string, lower: readonly string[]) => Promise<{ unpacked: Unpacked; staged: StagedBlob }>,
  ): Promise<Layer> {
    const key = this.snapshotter.prepare("import", parent, true);
    let taken = false;
    try {
      const { unpacked, staged } = await work(this.snapshotter.upper(key), await this.#lowerPaths(parent));
      const content = contentOf(unpacked);
      if (expectedDiffId !== undefined) assertDiffId(content, expectedDiffId);
      return this.store.transaction(() => {
        const layer = this.#adopt(parent, staged, content);
        taken = this.#attach(layer.chainId, key);
        return layer;
      });
    } finally {
      if (!taken) this.snapshotter.remove(key);
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
    this.#holds.addForThisTurn(layer.chainId);
    return this.store.transaction(() => {
      const known = this.find(layer.chainId);
      if (known) return known;
      // Another layer may have the same archive: its blob is here, and the staged file may have become it.
      if (!this.blobs.isUsed(staged.digest)) this.content.publish(staged);
      insertLayer(this.store, layer);
      return layer;
    });
  }

  /** A layer once more, on top of others: its archive is the same, its files are unpacked when something runs on it. */
  restack(parent: ChainId | null, layer: Layer): Layer {
    const restacked = { ...layer, chainId: chainIdOf(parent, layer.diffId), parent };
    return this.store.transaction(() => {
      const known = this.find(restacked.chainId);
      if (known) return known;
      insertLayer(this.store, restacked);
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
    this.#holds.add(chainIds);
    return {
      [Symbol.dispose]: () => {
        this.#holds.remove(chainIds);
        for (const chainId of chainIds.toReversed()) if (this.find(chainId)) this.discard(this.collect(chainId));
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
    return this.#holds.has(top) || writers.some(({ owner }) => !isAccounted(owner));
  }

  /**
   * Removes a layer, and then those below it, until one that something else stands on. Joins a running transaction.
   * @returns what was removed, top first; hand it to {@link discard} when the transaction is done.
   */
  collect(top: ChainId | null): RemovedLayer[] {
    return this.store.transaction(() => {
      const removed: RemovedLayer[] = [];
      for (let chainId = top; chainId !== null && !this.#isUsed(chainId); ) {
        const { blob, parent } = this.#get(chainId);
        const snapshot = layerSnapshot(this.store, chainId);
        this.store.db.query("DELETE FROM layer WHERE chain_id = ?").run(chainId);
        if (snapshot !== null) this.store.db.query("DELETE FROM snapshot WHERE key = ?").run(snapshot);
        removed.push({ chainId, blobDigest: blob.digest, snapshot });
        chainId = parent;
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
    for (const chainId of topmostLayers(this.store)) this.discard(this.collect(chainId));
    this.blobs.sweep();
  }

  async #snapshotOf(chainId: ChainId): Promise<number> {
    const known = layerSnapshot(this.store, chainId);
    if (known !== null) return known;
    let pending = this.#unpacking.get(chainId);
    if (!pending) {
      pending = this.#unpack(this.#get(chainId)).finally(() => this.#unpacking.delete(chainId));
      this.#unpacking.set(chainId, pending);
    }
    return pending;
  }

  async #unpack({ chainId, parent, diffId, blob }: Layer): Promise<number> {
    const lower = await this.#lowerPaths(parent);
    // The layer itself is what must stay while it is unpacked, and it keeps those below.
    const key = this.snapshotter.prepare("unpack", chainId, true);
    let taken = false;
    try {
      const { tar } = await unpackFile(this.content.path(blob.digest), this.snapshotter.upper(key), { lower });
      if (tar.digest !== diffId) {
        fail("internal", "BLOB_DAMAGED", `layer ${diffId} unpacks to ${tar.digest}: its blob is damaged`);
      }
      taken = this.store.transaction(() => this.#attach(chainId, key));
      return layerSnapshot(this.store, chainId) ?? key;
    } finally {
      if (!taken) this.snapshotter.remove(key);
    }
  }

  async #lowerPaths(top: ChainId | null): Promise<string[]> {
    return (await this.lower(top)).map((key) => this.snapshotter.upper(key));
  }

  /** Makes a snapshot the layer's; false if it has one already. */
  #attach(chainId: ChainId, key: number): boolean {
    if (layerSnapshot(this.store, chainId) !== null) return false;
    this.snapshotter.seal(key, chainId);
    this.store.db.query("UPDATE layer SET snapshot = ? WHERE chain_id = ?").run(key, chainId);
    return true;
  }

  #isUsed(chainId: ChainId): boolean {
    return this.#holds.has(chainId) || isStoodOn(this.store, chainId);
  }

  #get(chainId: ChainId): Layer {
    return this.find(chainId) ?? fail("not-found", "LAYER_NOT_FOUND", `no such layer: ${chainId}`);
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
