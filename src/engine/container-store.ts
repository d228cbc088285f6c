import { fail } from "../base/errors.ts";
import type { Store } from "../store/database.ts";
import type { ContainerRecord } from "./container-record.ts";

/**
 * All containers' records: in memory for reading, written through to the database. The engine is the only writer, so memory
 * and database agree as long as a write that fails is not kept in memory - hence database first.
 */
export class ContainerStore {
  readonly #records = new Map<string, ContainerRecord>();
  readonly #idByName = new Map<string, string>();
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
    for (const row of store.db.query<{ document: string }, []>("SELECT document FROM container").iterate()) {
      this.#remember(parseRecord(row.document));
    }
  }

  /** Adds a new container. @throws conflict `NAME_IN_USE` in Docker's words. */
  insert(record: ContainerRecord): void {
    this.assertNameFree(record.name);
    this.#store.db
      .query("INSERT INTO container (id, name, image_id, document) VALUES (?, ?, ?, ?)")
      .run(record.id, record.name, record.imageId || null, JSON.stringify(record));
    this.#remember(record);
  }

  /** @throws conflict `NAME_IN_USE`, naming the container that has the name. */
  assertNameFree(name: string): void {
    const owner = this.#idByName.get(name);
    if (owner !== undefined) {
      fail(
        "conflict",
        "NAME_IN_USE",
        `Conflict. The container name "/${name}" is already in use by container "${owner}". You have to remove (or rename) that container to be able to reuse that name.`,
      );
    }
  }

  /** Replaces a record by its changed copy and returns the copy. */
  update(id: string, change: Partial<Omit<ContainerRecord, "id">>): ContainerRecord {
    const before = this.get(id);
    const after: ContainerRecord = { ...before, ...change };
    this.#store.db
      .query("UPDATE container SET name = ?, image_id = ?, document = ? WHERE id = ?")
      .run(after.name, after.imageId || null, JSON.stringify(after), id);
    if (before.name !== after.name) this.#idByName.delete(before.name);
    this.#remember(after);
    return after;
  }

  delete(id: string): void {
    const record = this.get(id);
    this.#store.db.query("DELETE FROM container WHERE id = ?").run(id);
    this.#records.delete(id);
    this.#idByName.delete(record.name);
  }

  /** By full id. @throws not-found */
  get(id: string): ContainerRecord {
    return this.#records.get(id) ?? noSuchContainer(id);
  }

  hasName(name: string): boolean {
    return this.#idByName.has(name);
  }

  has(id: string): boolean {
    return this.#records.has(id);
  }

  /**
   * By full id, name (with or without slash) or a prefix of the id that fits one container only, in this order, as Docker.
   * @throws not-found `CONTAINER_NOT_FOUND`; invalid `AMBIGUOUS_ID`.
   */
  resolve(reference: string): ContainerRecord {
    const exact = this.#records.get(reference);
    if (exact) return exact;
    const name = reference.startsWith("/") ? reference.slice(1) : reference;
    const named = this.#idByName.get(name);
    if (named !== undefined) return this.get(named);
    if (!/^[0-9a-f]{1,64}$/.test(reference)) return noSuchContainer(reference);
    const matches = [...this.#records.keys()].filter((id) => id.startsWith(reference));
    const [only] = matches;
    if (only === undefined) return noSuchContainer(reference);
    if (matches.length > 1) {
      fail("invalid", "AMBIGUOUS_ID", `multiple IDs found with provided prefix: ${reference}`);
    }
    return this.get(only);
  }

  all(): ContainerRecord[] {
    return [...this.#records.values()];
  }

  #remember(record: ContainerRecord): void {
    this.#records.set(record.id, record);
    this.#idByName.set(record.name, record.id);
  }
}

function noSuchContainer(reference: string): never {
  return fail("not-found", "CONTAINER_NOT_FOUND", `No such container: ${reference}`);
}

/** Of our own writing; what an earlier version did not know of gets its empty value. */
function parseRecord(document: string): ContainerRecord {
  const record = JSON.parse(document) as ContainerRecord;
  return { ...record, health: record.health ?? null };
}
