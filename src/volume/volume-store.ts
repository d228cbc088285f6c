import { z } from "zod";
import { fail } from "../base/errors.ts";
import type { Store } from "../store/database.ts";

/** One volume as the store keeps it. */
const VolumeRecordSchema = z.object({
  name: z.string(),
  /** RFC 3339, whole seconds. */
  created: z.string(),
  labels: z.record(z.string(), z.string()),
  /** The local driver's. */
  options: z.record(z.string(), z.string()),
});
export type VolumeRecord = z.infer<typeof VolumeRecordSchema>;

interface Row {
  document: string;
}

/** The table `volume`. One that is leaving is seen by nobody but {@link leaving}. */
export class VolumeStore {
  constructor(private readonly store: Store) {}

  /** By name. */
  all(): VolumeRecord[] {
    return this.#rows("SELECT document FROM volume WHERE NOT leaving ORDER BY name");
  }

  find(name: string): VolumeRecord | undefined {
    return this.#rows("SELECT document FROM volume WHERE NOT leaving AND name = ?", name)[0];
  }

  /** @throws not-found `VOLUME_NOT_FOUND` in Docker's words. */
  get(name: string): VolumeRecord {
    return this.find(name) ?? fail("not-found", "VOLUME_NOT_FOUND", `get ${name}: no such volume`);
  }

  insert(volume: VolumeRecord): void {
    this.store.db.query("INSERT INTO volume (name, document) VALUES (?, ?)").run(volume.name, JSON.stringify(volume));
  }

  markLeaving(name: string): void {
    this.store.db.query("UPDATE volume SET leaving = 1 WHERE name = ?").run(name);
  }

  /** Names of volumes whose removal was begun. */
  leaving(): string[] {
    return this.#rows("SELECT document FROM volume WHERE leaving").map(({ name }) => name);
  }

  delete(name: string): void {
    this.store.db.query("DELETE FROM volume WHERE name = ?").run(name);
  }

  #rows(sql: string, ...parameters: string[]): VolumeRecord[] {
    return this.store.db
      .query<Row, string[]>(sql)
      .all(...parameters)
      .map(({ document }) => VolumeRecordSchema.parse(JSON.parse(document)));
  }
}
