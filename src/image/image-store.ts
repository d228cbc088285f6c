import { fail } from "../base/errors.ts";
import { nowNanoseconds } from "../base/timestamp.ts";
import type { Store } from "../store/database.ts";
import { diffIdsOf, type ImageConfig, parseImageConfig } from "./config.ts";
import type { ContentStore, StagedBlob } from "./content-store.ts";
import { type ChainId, chainIdsOf, type Digest, digestOf, hexOf } from "./digest.ts";
import type { LayerBlob } from "./layer-blobs.ts";
import type { LayerStore, RemovedLayer } from "./layer-store.ts";
import { makeManifest } from "./make-manifest.ts";
import { manifestTypeOf } from "./media-types.ts";
import {
  canonicalName,
  canonicalRepository,
  familiarName,
  parseName,
  parseReference,
  type Reference,
  withDefaultTag,
} from "./reference.ts";
import { forgetReflog, type ReflogEntry, type ReflogReason, recordTarget, reflogOf } from "./reflog.ts";

export interface Image {
  /** Of the config blob: Docker's image id. */
  readonly id: Digest;
  readonly manifestDigest: Digest;
  /** Of the top layer; null for an image without layers. */
  readonly chainId: ChainId | null;
  /** The local image that this one was made from, as far as that is known and still here. */
  readonly parentId: Digest | null;
  /** Bytes of all layers' files. */
  readonly sizeBytes: number;
  /** When it entered this store, in nanoseconds since the epoch (beyond 2^53: to sort and show, not to count with). */
  readonly createdNs: number;
  readonly config: ImageConfig;
}

interface Row {
  readonly id: Digest;
  readonly manifest_digest: Digest;
  readonly chain_id: ChainId | null;
  readonly parent_id: Digest | null;
  readonly size_bytes: number;
  readonly created_ns: number;
}

export interface NewImage {
  /** The config's bytes where they came from elsewhere (its digest is the id), or a config made here. */
  readonly config: Uint8Array | ImageConfig;
  readonly topChainId: ChainId | null;
  readonly parentId: Digest | null;
  /** The manifest's bytes where it came with the image. */
  readonly manifest?: Uint8Array;
  /** Names that the image gets in the same transaction, taking them from whoever has them. */
  readonly tags?: readonly Reference[];
  /** Why it gets them, for their reflogs; default `tag`. */
  readonly reason?: ReflogReason;
  readonly detail?: string;
  /** The name with a digest under which a registry has it; written in the same transaction. */
  readonly repoDigest?: Reference;
}

/** An image id or its beginning. Without `sha256:`, only all 64 digits cannot be a name. */
const ID = /^(?<algorithm>sha256:)?(?<hex>[0-9a-f]{1,64})$/;
const FULL_HEX = 64;

/** Images and their names. */
export class ImageStore {
  /** Configs by image id: read once, for they never change. */
  readonly #configs = new Map<Digest, ImageConfig>();
  /** Media types by manifest digest, as {@link ImageStore.#writeIndex} needs them all again and again. */
  readonly #manifestTypes = new Map<Digest, string>();

  constructor(
    private readonly store: Store,
    private readonly content: ContentStore,
    private readonly layers: LayerStore,
  ) {}

  /**
   * The image that a user means by a name (`busybox`, `busybox:1.36`, with or without host), an id (with or without
   * `sha256:`) or the unambiguous beginning of one. A name wins over an id, as in Docker.
   * @throws not-found `IMAGE_NOT_FOUND`: `No such image: busybox:latest`; invalid `INVALID_REFERENCE`.
   */
  resolve(text: string): Image {
    return this.find(text) ?? fail("not-found", "IMAGE_NOT_FOUND", `No such image: ${describe(text)}`);
  }

  /** As {@link resolve}, null instead of not-found. */
  find(text: string): Image | null {
    const id = ID.exec(text)?.groups;
    const hex = id?.hex ?? "";
    const isName = id === undefined || (id.algorithm === undefined && hex.length < FULL_HEX);
    return (isName ? this.#findByName(parseReference(text)) : null) ?? (hex === "" ? null : this.#findByPrefix(hex));
  }

  get(id: Digest): Image | null {
    const row = this.store.db.query<Row, [string]>("SELECT * FROM image WHERE id = ?").get(id);
    return row && this.#imageOf(row);
  }

  /** All images, newest first. */
  list(): Image[] {
    return this.store.db
      .query<Row, []>("SELECT * FROM image ORDER BY created_ns DESC")
      .all()
      .map((row) => this.#imageOf(row));
  }

  /** The images that were made from this one. */
  childrenOf(id: Digest): Digest[] {
    return this.store.db
      .query<{ id: Digest }, [string]>("SELECT id FROM image WHERE parent_id = ?")
      .all(id)
      .map((row) => row.id);
  }

  /** An image's names, by name. */
  tagsOf(id: Digest): Reference[] {
    return this.store.db
      .query<{ name: string }, [string]>("SELECT name FROM tag WHERE image_id = ? ORDER BY name")
      .all(id)
      .map((row) => parseName(row.name));
  }

  /** When the image last got a name, in nanoseconds since the epoch; null if it has none. */
  lastTaggedNs(id: Digest): bigint | null {
    const row = this.store.db
      .query<{ since: string | null }, [string]>(
        "SELECT CAST(max(since_ns) AS TEXT) AS since FROM tag WHERE image_id = ?",
      )
      .get(id);
    return row?.since ? BigInt(row.since) : null;
  }

  /** The names in one repository (`docker save busybox` means all of them). */
  tagsIn(repository: Reference): { reference: Reference; imageId: Digest }[] {
    return this.store.db
      .query<{ name: string; image_id: Digest }, [string]>(
        "SELECT name, image_id FROM tag WHERE substr(name, 1, length(?1) + 1) = ?1 || ':' ORDER BY name",
      )
      .all(canonicalRepository(repository))
      .map((row) => ({ reference: parseName(row.name), imageId: row.image_id }));
  }

  /** Whether an image is the named one or was built on top of its layers: Docker's filter `ancestor`. */
  lineage(name: string): (imageId: string) => boolean {
    const ancestor = this.find(name);
    if (ancestor === null) return () => false;
    const ids = new Set(
      this.store.db
        .query<{ id: string }, [string, string | null]>(
          `WITH RECURSIVE above (chain_id) AS (
             SELECT ?2 UNION SELECT layer.chain_id FROM layer JOIN above ON layer.parent_chain_id = above.chain_id
           )
           SELECT id FROM image WHERE id = ?1 OR chain_id IN (SELECT chain_id FROM above WHERE chain_id NOT NULL)`,
        )
        .all(ancestor.id, ancestor.chainId)
        .map((row) => row.id),
    );
    return (imageId) => ids.has(imageId);
  }

  /**
   * Writes an image's documents and, in one transaction, its record and names. One with the same config is the same image
   * and only gets the names.
   * @throws invalid `IMAGE_LAYERS_MISMATCH` if the config names other layers than `topChainId`.
   */
  async create(image: NewImage): Promise<Image> {
    const configBytes = image.config instanceof Uint8Array ? image.config : encode(image.config);
    const config = parseImageConfig(configBytes);
    const chain = chainIdsOf(diffIdsOf(config));
    const chainId = chain.at(-1) ?? null;
    if (chainId !== image.topChainId) {
      fail("invalid", "IMAGE_LAYERS_MISMATCH", "invalid image: its config names other layers than it brings");
    }
    const known = image.tags || image.repoDigest ? null : this.get(digestOf(configBytes));
    if (known) return known;
    // Nothing stands on a layer that was just made until the record does.
    using _held = this.layers.hold(chain);
    const staged: StagedBlob[] = [];
    try {
      const configBlob = await this.content.stage(configBytes);
      staged.push(configBlob);
      const manifestBlob = await this.content.stage(image.manifest ?? makeManifest(configBlob, this.#blobsOf(chainId)));
      staged.push(manifestBlob);
      this.store.transaction(() => {
        if (this.get(configBlob.digest) === null) {
          this.content.publish(configBlob, manifestBlob);
          this.#insert(configBlob.digest, manifestBlob, chainId, image.parentId);
        }
        for (const tag of image.tags ?? []) {
          this.#setTag(configBlob.digest, tag, image.reason, image.detail);
        }
        if (image.repoDigest) this.addRepoDigest(configBlob.digest, image.repoDigest);
      });
      if (image.tags?.length) this.#writeIndex();
      return (
        this.get(configBlob.digest) ?? fail("internal", "IMAGE_LOST", `image ${configBlob.digest} was removed at once`)
      );
    } finally {
      for (const { path } of staged) this.content.unstage(path);
    }
  }

  /** Gives an image a name, taking it from the image that had it. */
  tag(id: Digest, reference: Reference, reason?: ReflogReason, detail?: string): void {
    this.store.transaction(() => this.#setTag(id, reference, reason, detail));
    this.#writeIndex();
  }

  /** What a name has stood for, newest first. */
  reflogOf(reference: Reference): ReflogEntry[] {
    return reflogOf(this.store, canonicalName(withDefaultTag(reference)));
  }

  /** The names with a digest under which registries are known to have an image, by name. */
  repoDigestsOf(id: Digest): Reference[] {
    return this.store.db
      .query<{ name: string }, [string]>("SELECT name FROM repo_digest WHERE image_id = ? ORDER BY name")
      .all(id)
      .map((row) => parseName(row.name));
  }

  /** Notes that an image was pulled or pushed as `repository@digest`, where the digest is of its manifest or its index. */
  addRepoDigest(id: Digest, reference: Reference): void {
    this.store.db
      .query("INSERT INTO repo_digest (name, image_id) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET image_id = ?2")
      .run(canonicalName({ ...reference, tag: null }), id);
  }

  /** @returns whether there was such a name, which may be one with a digest. */
  untag(reference: Reference): boolean {
    if (reference.digest !== null) {
      const name = canonicalName({ ...reference, tag: null });
      return this.store.db.query("DELETE FROM repo_digest WHERE name = ?").run(name).changes > 0;
    }
    const name = canonicalName(reference);
    const removed = this.store.transaction(() => {
      forgetReflog(this.store, name);
      return this.store.db.query("DELETE FROM tag WHERE name = ?").run(name).changes > 0;
    });
    if (removed) this.#writeIndex();
    return removed;
  }

  /**
   * Removes an image with its names and the layers that nothing else stands on; whether it may go is decided in
   * remove-image.ts. Images made from it lose their parent.
   * @returns the chain ids of the layers that went, top first.
   */
  remove(id: Digest): ChainId[] {
    const image = this.get(id) ?? fail("not-found", "IMAGE_NOT_FOUND", `No such image: ${id}`);
    const removed = this.store.transaction((): RemovedLayer[] => {
      for (const name of this.tagsOf(id)) forgetReflog(this.store, canonicalName(name));
      this.store.db.query("DELETE FROM tag WHERE image_id = ?").run(id);
      this.store.db.query("UPDATE image SET parent_id = NULL WHERE parent_id = ?").run(id);
      this.store.db.query("DELETE FROM image WHERE id = ?").run(id);
      return this.layers.collect(image.chainId);
    });
    this.layers.discard(removed);
    this.content.delete(id);
    this.content.delete(image.manifestDigest);
    this.#configs.delete(id);
    this.#manifestTypes.delete(image.manifestDigest);
    this.#writeIndex();
    return removed.map(({ chainId }) => chainId);
  }

  /**
   * Brings the files in line with the records: layers and blobs that belong to no image go, the layout's index is
   * written. Once, at the start.
   */
  sweep(): void {
    this.layers.sweep();
    const documents = this.list().flatMap(({ id, manifestDigest }) => [id, manifestDigest]);
    this.content.keepOnly(new Set([...documents, ...this.layers.blobs.all()]));
    this.#writeIndex();
  }

  /** Writes down for other tools which named images the OCI layout has, in the annotation that they look for. */
  #writeIndex(): void {
    const rows = this.store.db
      .query<{ manifest_digest: Digest; manifest_size_bytes: number; name: string }, []>(
        "SELECT manifest_digest, manifest_size_bytes, name FROM tag JOIN image ON image_id = id ORDER BY name",
      )
      .all();
    this.content.writeIndex(
      rows.map(({ manifest_digest, manifest_size_bytes, name }) => ({
        mediaType: this.#manifestType(manifest_digest),
        digest: manifest_digest,
        size: manifest_size_bytes,
        annotations: { "org.opencontainers.image.ref.name": familiarName(parseName(name)) },
      })),
    );
  }

  #manifestType(digest: Digest): string {
    const known = this.#manifestTypes.get(digest) ?? manifestTypeOf(this.content.readDocument(digest));
    this.#manifestTypes.set(digest, known);
    return known;
  }

  #blobsOf(chainId: ChainId | null): LayerBlob[] {
    return this.layers.stack(chainId).map(({ blob }) => blob);
  }

  #insert(id: Digest, manifest: StagedBlob, chainId: ChainId | null, parentId: Digest | null): void {
    const parent = parentId !== null && this.get(parentId) ? parentId : null;
    const sizeBytes = chainId === null ? 0 : this.layers.totalSize(chainId);
    this.store.db
      .query(
        `INSERT INTO image (id, manifest_digest, manifest_size_bytes, chain_id, parent_id, size_bytes, created_ns)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(id, manifest.digest, manifest.sizeBytes, chainId, parent, sizeBytes, nowNanoseconds());
  }

  #setTag(id: Digest, reference: Reference, reason: ReflogReason = "tag", detail = ""): void {
    const name = canonicalName(withDefaultTag(reference));
    recordTarget(this.store, name, id, reason, detail);
    this.store.db
      .query(
        `INSERT INTO tag (name, image_id, since_ns) VALUES (?1, ?2, ?3)
         ON CONFLICT (name) DO UPDATE SET image_id = ?2, since_ns = ?3`,
      )
      .run(name, id, nowNanoseconds());
  }

  #findByName(reference: Reference): Image | null {
    if (reference.digest !== null) return this.#findByDigest(reference, reference.digest);
    const row = this.store.db
      .query<Row, [string]>("SELECT image.* FROM tag JOIN image ON image_id = id WHERE name = ?")
      .get(canonicalName(reference));
    return row && this.#imageOf(row);
  }

  /** `busybox@sha256:…`: as it was pulled or pushed, or the manifest's digest of an image with a name in that repository. */
  #findByDigest(repository: Reference, digest: Digest): Image | null {
    const row = this.store.db
      .query<Row, [string]>("SELECT image.* FROM repo_digest JOIN image ON image_id = id WHERE name = ?")
      .get(canonicalName({ ...repository, tag: null }));
    if (row) return this.#imageOf(row);
    const named = this.tagsIn(repository).map(({ imageId }) => this.get(imageId));
    return named.find((image) => image?.manifestDigest === digest) ?? null;
  }

  #findByPrefix(prefix: string): Image | null {
    const rows = this.store.db
      .query<Row, [string]>("SELECT * FROM image WHERE substr(id, 8, length(?1)) = ?1 LIMIT 2")
      .all(prefix);
    return rows.length === 1 && rows[0] ? this.#imageOf(rows[0]) : null;
  }

  #imageOf(row: Row): Image {
    let config = this.#configs.get(row.id);
    if (!config) {
      config = parseImageConfig(this.content.readDocument(row.id));
      this.#configs.set(row.id, config);
    }
    return {
      id: row.id,
      manifestDigest: row.manifest_digest,
      chainId: row.chain_id,
      parentId: row.parent_id,
      sizeBytes: row.size_bytes,
      createdNs: row.created_ns,
      config,
    };
  }
}

function encode(document: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(document));
}

/** What Docker calls an image that it does not find: with the tag that was implied. */
function describe(text: string): string {
  const id = ID.exec(text)?.groups;
  return id?.algorithm || id?.hex?.length === FULL_HEX ? text : familiarName(parseReference(text));
}

/** Whether a text that found the image meant its id (or the beginning of it) and not a name. */
export function isIdOf(image: Image, text: string): boolean {
  return image.id.startsWith(text) || hexOf(image.id).startsWith(text);
}
