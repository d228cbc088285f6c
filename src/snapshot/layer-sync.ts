import { readFileSync } from "node:fs";
import type { Store } from "../store/database.ts";
import { syncFileSystem } from "./archive.ts";

/** Layers come in groups, and one flush of the file system (syncfs(2)) serves all that were written until then. */
const DELAY_MS = 5_000;

/**
 * Knows which layers' files are surely on the disk. Nobody waits for that when a layer is unpacked - it took 0.2 s for 6,000
 * files on an idle disk, and as long as it likes on a busy one - but until then the layer carries the id of the machine's
 * boot. A machine that went down meanwhile comes up with another id, and the layer is unpacked anew from its archive, which
 * was synced before anything spoke of it.
 */
export class LayerSync implements Disposable {
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly store: Store,
    private readonly directory: string,
    private readonly boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
  ) {}

  /** A layer's files were written, a moment ago or by an engine that was killed since. Joins a running transaction. */
  note(key: number): void {
    this.store.db.query("UPDATE snapshot SET unsynced_boot = ? WHERE key = ?").run(this.boot, key);
    this.schedule();
  }

  schedule(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      // A disk that cannot be flushed keeps its layers marked; they work as long as the machine does.
      this.settle().catch(() => {});
    }, DELAY_MS).unref();
  }

  /** Flushes now, and believes in what was written before. */
  async settle(): Promise<void> {
    const keys = this.store.db
      .query<{ key: number }, []>("SELECT key FROM snapshot WHERE unsynced_boot NOT NULL")
      .all();
    if (keys.length === 0) return;
    await syncFileSystem(this.directory);
    this.store.transaction(() => {
      for (const { key } of keys) {
        this.store.db.query("UPDATE snapshot SET unsynced_boot = NULL WHERE key = ?").run(key);
      }
    });
  }

  /** Takes from layers the snapshots that a power cut may have left incomplete. Once, at the start. */
  disown(): void {
    this.store.db
      .query(
        `UPDATE layer SET snapshot = NULL
         WHERE snapshot IN (SELECT key FROM snapshot WHERE unsynced_boot NOT NULL AND unsynced_boot <> ?)`,
      )
      .run(this.boot);
    this.schedule();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
