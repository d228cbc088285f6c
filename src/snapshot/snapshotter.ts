import { mkdirSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { Store } from "../store/database.ts";
import { spreadTrees, usage } from "./archive.ts";
import { LayerSync } from "./layer-sync.ts";
import { makeApart } from "./make-apart.ts";
import type { OverlayRoot } from "./root-access.ts";
import type { Trash } from "./trash.ts";

/** What `inspect` shows of a snapshot's place on the disk. */
export type GraphData = Readonly<Record<"LowerDir" | "MergedDir" | "UpperDir" | "WorkDir", string>>;

/**
 * The directories that overlayfs stacks: `<directory>/<key>/fs` for each layer and each container's writes, with
 * `<key>/work` for the kernel while it is written to. A row is there before its directory and goes before it, so what a
 * killed engine leaves over is a directory without a row, which the next start discards.
 */
export class Snapshotter {
  readonly sync: LayerSync;

  private constructor(
    private readonly store: Store,
    /** Where the overlay's relative names start. */
    readonly directory: string,
    /** Where directories are made that need no part of the disk of their own. */
    private readonly nursery: string,
    private readonly trash: Trash,
  ) {
    this.sync = new LayerSync(store, directory);
  }

  /** @param directory made where it is missing; only root may enter it, for setuid files inside are not the host's. */
  static open(store: Store, directory: string, trash: Trash): Snapshotter {
    const isNew = mkdirSync(directory, { recursive: true, mode: 0o700 }) !== undefined;
    if (isNew) spreadTrees(directory);
    const nursery = `${directory}-new`;
    mkdirSync(nursery, { recursive: true, mode: 0o700 });
    return new Snapshotter(store, directory, nursery, trash);
  }

  /**
   * Makes an empty directory for writes on top of a stack of layers, which stay as long as this is not removed.
   * Joins a running transaction: if that is undone, the directory is left to the next start.
   * @param owner container id, or another word that {@link sweep} is asked about.
   * @param parent chain id of the layers below; null for none.
   * @param tree whether thousands of files will come at once, so that a part of the disk of its own is worth being found.
   */
  prepare(owner: string, parent: string | null, tree = false): number {
    const key = this.store.transaction(() =>
      Number(
        this.store.db
          .query("INSERT INTO snapshot (kind, owner, parent_chain_id) VALUES ('active', ?, ?)")
          .run(owner, parent).lastInsertRowid,
      ),
    );
    const place = join(this.directory, String(key));
    // Looking for a free part of the disk takes up to milliseconds, which a container's start does not spend.
    const born = tree ? place : join(this.nursery, String(key));
    if (tree) makeApart(place);
    else mkdirSync(born, { mode: 0o700 });
    // The container sees the upper directory's own mode as that of its /.
    mkdirSync(join(born, "fs"), { mode: 0o755 });
    mkdirSync(join(born, "work"), { mode: 0o700 });
    if (born !== place) renameSync(born, place);
    return key;
  }

  /** `<directory>/<key>/fs`: what the snapshot holds. */
  upper(key: number): string {
    return join(this.directory, String(key), "fs");
  }

  /** Turns a snapshot that is no longer written to into a layer's. To be called in the transaction that says which layer. */
  seal(key: number, chainId: string): void {
    this.store.db
      .query("UPDATE snapshot SET kind = 'layer', owner = ?, parent_chain_id = NULL WHERE key = ?")
      .run(chainId, key);
    this.sync.note(key);
  }

  /** Gives a snapshot that was made beforehand to who writes to it from now on. */
  assign(key: number, owner: string): void {
    this.store.db.query("UPDATE snapshot SET owner = ? WHERE key = ?").run(owner, key);
  }

  /** Forgets a snapshot and has its files deleted in the background. */
  remove(key: number): void {
    this.store.db.query("DELETE FROM snapshot WHERE key = ?").run(key);
    this.discard(key);
  }

  /** The files alone, for a row that is gone already. */
  discard(key: number): void {
    this.trash.discard(join(this.directory, String(key)));
  }

  /** The root that a process sees which writes to `key`, on top of `lower` (LayerStore.lower). */
  root(key: number | null, lower: readonly number[]): OverlayRoot {
    return { kind: "overlay", snapshots: this.directory, lower, upper: key };
  }

  /** Bytes of what was written, as Docker's SizeRw counts: each file once, at its apparent size. */
  usage(key: number): Promise<number> {
    return usage(this.upper(key));
  }

  graphData(key: number): GraphData {
    const lower = this.store.db
      .query<{ snapshot: number }, [number]>(
        `WITH RECURSIVE below (chain_id, depth) AS (
           SELECT parent_chain_id, 0 FROM snapshot WHERE key = ?
           UNION ALL
           SELECT parent_chain_id, depth + 1 FROM layer JOIN below USING (chain_id)
         )
         SELECT snapshot FROM layer JOIN below USING (chain_id) WHERE snapshot IS NOT NULL ORDER BY depth`,
      )
      .all(key);
    return {
      LowerDir: lower.map(({ snapshot }) => this.upper(snapshot)).join(":"),
      MergedDir: join(this.directory, String(key), "merged"),
      UpperDir: this.upper(key),
      WorkDir: join(this.directory, String(key), "work"),
    };
  }

  /**
   * Discards what a killed engine left: active snapshots whose owner is gone, layers' that no layer names or that a power cut
   * may have left incomplete, directories without a row. Once, at the start, before anything is prepared.
   */
  sweep(isLive: (owner: string) => boolean): void {
    this.sync.disown();
    const rows = this.store.db
      .query<{ key: number; kind: string; owner: string; used: number }, []>(
        "SELECT key, kind, owner, EXISTS (SELECT 1 FROM layer WHERE snapshot = key) AS used FROM snapshot",
      )
      .all();
    const kept = new Set<string>();
    for (const { key, kind, owner, used } of rows) {
      if (kind === "layer" ? used : isLive(owner)) kept.add(String(key));
      else this.remove(key);
    }
    for (const name of readdirSync(this.directory)) {
      if (!kept.has(name)) this.trash.discard(join(this.directory, name));
    }
    for (const name of readdirSync(this.nursery)) this.trash.discard(join(this.nursery, name));
  }
}
