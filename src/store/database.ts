import { Database } from "bun:sqlite";
import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { fail } from "../base/errors.ts";
import { MIGRATIONS } from "./migrations.ts";

/**
 * The engine's records: one SQLite file in WAL mode. `synchronous = NORMAL` loses nothing when the engine is killed; after
 * a power cut the last transactions may be missing, but what is there is whole (sqlite.org/wal.html).
 */
export class Store implements Disposable {
  private constructor(readonly db: Database) {}

  /**
   * Opens the file, making it where it is missing, and brings its schema up to date.
   * @param migrations of another database than the engine's, in the same form.
   */
  static open(path: string, migrations: readonly string[] = MIGRATIONS): Store {
    mkdirSync(dirname(path), { recursive: true, mode: 0o711 });
    // By default 20 statements are kept, fewer than a container's start needs: each would be compiled anew.
    Database.MAX_QUERY_CACHE_SIZE = 512;
    const db = new Database(path, { create: true, strict: true });
    db.run("PRAGMA journal_mode = WAL");
    db.run("PRAGMA synchronous = NORMAL");
    db.run("PRAGMA foreign_keys = ON");
    migrate(db, path, migrations);
    return new Store(db);
  }

  /** Runs `work` as one transaction: all of it is kept, or, if it throws, none. Nested calls join the outer one. */
  transaction<T>(work: () => T): T {
    if (this.db.inTransaction) return work();
    // Not the driver's transaction(), which makes a new set of statements for each function that it is given.
    this.db.query("BEGIN IMMEDIATE").run();
    try {
      const result = work();
      this.db.query("COMMIT").run();
      return result;
    } catch (error) {
      // Some failures, such as a full disk, have undone it already.
      if (this.db.inTransaction) this.db.query("ROLLBACK").run();
      throw error;
    }
  }

  /** A random name of this store, the same for its whole life. */
  engineId(): string {
    this.db.run("INSERT OR IGNORE INTO setting (name, value) VALUES ('engine-id', ?)", [randomUUID()]);
    const row = this.db.query<{ value: string }, []>("SELECT value FROM setting WHERE name = 'engine-id'").get();
    return row?.value ?? fail("internal", "NO_ENGINE_ID", "the store has lost its id: restart the engine");
  }

  [Symbol.dispose](): void {
    this.db.close();
  }
}

function migrate(db: Database, path: string, migrations: readonly string[]): void {
  const current = db.query<{ user_version: number }, []>("PRAGMA user_version").get()?.user_version ?? 0;
  if (current > migrations.length) {
    fail(
      "internal",
      "STORE_TOO_NEW",
      `${path} was written by a newer lighter (schema ${current}, this one knows ${migrations.length}): install that version or use another LIGHTER_ROOT`,
    );
  }
  for (let version = current; version < migrations.length; version++) {
    db.transaction(() => {
      db.run(migrations[version] ?? "");
      db.run(`PRAGMA user_version = ${version + 1}`);
    }).immediate();
  }
}
