import { Database } from "bun:sqlite";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { errnoOf } from "../base/errors.ts";

/**
 * Takes the root for one engine: an exclusive lock on `<root>/engine.lock` that the kernel lets go when the process ends,
 * however it ends. Runtimes have no flock(2); SQLite has the same through fcntl(2), and is here anyway.
 * @returns null while another engine holds it. Disposing gives it back.
 */
export function lockRoot(root: string): Disposable | null {
  mkdirSync(root, { recursive: true, mode: 0o711 });
  const db = new Database(join(root, "engine.lock"), { create: true });
  try {
    db.run("PRAGMA locking_mode = EXCLUSIVE");
    db.run("PRAGMA busy_timeout = 0");
    // In this mode the lock of the first transaction is kept until the file is closed.
    db.run("BEGIN EXCLUSIVE");
    db.run("COMMIT");
  } catch (error) {
    db.close();
    if (errnoOf(error) === "SQLITE_BUSY") return null;
    throw error;
  }
  return { [Symbol.dispose]: () => db.close() };
}
