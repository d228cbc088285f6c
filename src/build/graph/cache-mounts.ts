import { chmodSync, chownSync, mkdirSync, readdirSync } from "node:fs";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { KeyedLock } from "../../base/keyed-lock.ts";
import { nowNanoseconds, timestampNow } from "../../base/timestamp.ts";
import { usage } from "../../snapshot/archive.ts";
import type { Store } from "../../store/database.ts";
import type { CacheMount } from "./operation.ts";

export interface CacheMountRecord {
  readonly id: number;
  readonly name: string;
  readonly created: string;
  readonly lastUsedNs: number;
  readonly useCount: number;
  readonly inUse: boolean;
}

/** Fills the directory of a new cache mount. */
export type FillDirectory = (directory: string) => Promise<void>;

/**
 * The directories that `RUN --mount=type=cache` keeps between builds, by name. A directory is made and
 * filled beside its place; a row without a directory, or the reverse, is what a killed engine has left and goes at first use.
 */
export class CacheMounts {
  readonly #locks = new KeyedLock();
  /** How many use a directory at the moment, by its number. */
  readonly #users = new Map<number, number>();
  #isSwept = false;

  constructor(
    private readonly store: Store,
    private readonly directory: string,
    private readonly discard: (path: string) => void,
  ) {}

  /** Gives `work` the mount's directory, alone or with others as its sharing says. */
  use<T>(mount: CacheMount, fill: FillDirectory, work: (directory: string) => Promise<T>): Promise<T> {
    const name = mount.id;
    const enter = async () => {
      const id = await this.#locks.run(`find ${name}`, () => this.#findOrMake(mount, fill));
      try {
        return await work(join(this.directory, String(id)));
      } finally {
        this.#leave(id);
      }
    };
    return mount.sharing === "locked" ? this.#locks.run(`use ${name}`, enter) : enter();
  }

  records(): CacheMountRecord[] {
    return this.store.db
      .query<{ id: number; name: string; created: string; last_used_ns: number; use_count: number }, []>(
        "SELECT * FROM build_mount ORDER BY last_used_ns DESC",
      )
      .all()
      .map((row) => ({
        id: row.id,
        name: row.name,
        created: row.created,
        lastUsedNs: row.last_used_ns,
        useCount: row.use_count,
        inUse: this.#users.has(row.id),
      }));
  }

  /** Bytes of one's files. */
  size(id: number): Promise<number> {
    return usage(join(this.directory, String(id)));
  }

  /** One that is in use stays. @returns whether it went. */
  remove(id: number): boolean {
    if (this.#users.has(id)) return false;
    this.store.db.query("DELETE FROM build_mount WHERE id = ?").run(id);
    this.discard(join(this.directory, String(id)));
    return true;
  }

  async #findOrMake(mount: CacheMount, fill: FillDirectory): Promise<number> {
    this.#sweep();
    const rows = this.store.db
      .query<{ id: number }, [string]>("SELECT id FROM build_mount WHERE name = ? ORDER BY id")
      .all(mount.id);
    const free = rows.find(({ id }) => mount.sharing !== "private" || !this.#users.has(id));
    const id = free?.id ?? (await this.#make(mount, fill));
    this.#users.set(id, (this.#users.get(id) ?? 0) + 1);
    this.store.db
      .query("UPDATE build_mount SET last_used_ns = ?, use_count = use_count + 1 WHERE id = ?")
      .run(nowNanoseconds(), id);
    return id;
  }

  async #make(mount: CacheMount, fill: FillDirectory): Promise<number> {
    const fresh = join(this.directory, `new-${crypto.randomUUID()}`);
    mkdirSync(fresh, { mode: 0o700 });
    try {
      await fill(fresh);
      chmodSync(fresh, mount.mode);
      chownSync(fresh, mount.uid, mount.gid);
    } catch (error) {
      this.discard(fresh);
      throw error;
    }
    const id = Number(
      this.store.db
        .query("INSERT INTO build_mount (name, created, last_used_ns, use_count) VALUES (?, ?, ?, 0)")
        .run(mount.id, timestampNow(), nowNanoseconds()).lastInsertRowid,
    );
    await rename(fresh, join(this.directory, String(id)));
    return id;
  }

  /** Once: discards directories without a row and rows without a directory, which a killed engine has left. */
  #sweep(): void {
    if (this.#isSwept) return;
    this.#isSwept = true;
    mkdirSync(this.directory, { recursive: true, mode: 0o700 });
    const known = new Set(this.records().map(({ id }) => String(id)));
    const present = new Set(readdirSync(this.directory));
    for (const name of present) if (!known.has(name)) this.discard(join(this.directory, name));
    for (const name of known) {
      if (!present.has(name)) this.store.db.query("DELETE FROM build_mount WHERE id = ?").run(Number(name));
    }
  }

  #leave(id: number): void {
    const others = (this.#users.get(id) ?? 1) - 1;
    if (others > 0) this.#users.set(id, others);
    else this.#users.delete(id);
  }
}
