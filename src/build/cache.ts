import { createHash } from "node:crypto";
import type { Digest } from "../image/digest.ts";
import type { Store } from "../store/database.ts";

/**
 * Which image a step made of its parent, so that the next build need not make it again. The key is a digest over the
 * parent image's id and everything that the step's outcome depends on: the instruction with its variables replaced, the
 * build arguments that it sees, the content of what it copies. The parent's id stands for all steps before.
 *
 * A table of its own, not a search through the parent's children as in Docker: one look-up a step, however many images
 * were built on the same base. A row goes with its image.
 */
export class BuildCache {
  constructor(private readonly store: Store) {}

  find(key: string): Digest | null {
    return (
      this.store.db.query<{ image_id: Digest }, [string]>("SELECT image_id FROM build_cache WHERE key = ?").get(key)
        ?.image_id ?? null
    );
  }

  record(key: string, imageId: Digest): void {
    this.store.db
      .query("INSERT INTO build_cache (key, image_id) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET image_id = ?2")
      .run(key, imageId);
  }

  /** Forgets all; the images stay. @returns how many steps were known. */
  clear(): number {
    return this.store.db.query("DELETE FROM build_cache").run().changes;
  }
}

/** @param facts JSON values, in a fixed order. */
export function cacheKey(parent: Digest | null, facts: readonly unknown[]): string {
  return createHash("sha256")
    .update(JSON.stringify([parent, ...facts]))
    .digest("hex");
}
