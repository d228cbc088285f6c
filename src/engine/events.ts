import { setImmediate as nextTurn } from "node:timers/promises";
import { assertKnownFilters, type Filters } from "../base/filters.ts";
import { type Nanoseconds, nowNanoseconds } from "../base/timestamp.ts";
import type { Store } from "../store/database.ts";

export type EventType = "container" | "image" | "network" | "volume" | "builder" | "daemon";

/** One event in the Engine API's JSON shape, old fields (`status`, `id`, `from`) included for containers and images. */
export interface EventDocument {
  readonly status?: string;
  readonly id?: string;
  readonly from?: string;
  readonly Type: EventType;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
  readonly scope: "local";
  /** Seconds. */
  readonly time: number;
  /** Nanoseconds; a double keeps them to some 256 ns, as any JSON number does. */
  readonly timeNano: number;
}

export interface EventSubscription {
  /** Bounds in nanoseconds since the epoch; `since` replays what the store still has. */
  readonly since?: Nanoseconds;
  readonly until?: Nanoseconds;
  readonly filters: Filters;
  readonly abort: AbortSignal;
}

/** Those of swarm's objects are known and fit nothing. */
const FILTERS = [
  "config", "container", "daemon", "event", "image", "label", "network", "node", "plugin", "scope", "secret", "service",
  "type", "volume",
]; // biome-ignore format: one line

/** Kept for replay: as many as Docker keeps in memory would be 256; ours survive a restart. */
const KEPT_EVENTS = 4096;
const REPLAY_PAGE = 128;
/** A subscriber that reads nothing for this many events is cut off rather than kept in memory for ever. */
const MAX_QUEUED = 65_536;

/**
 * How long after an event those of this while are written, in one transaction: a short program makes six, and whoever waits
 * for its end would wait for each. A replay writes them first; only an engine that is killed loses the last of them.
 */
const FLUSH_DELAY_MS = 20;

/** What happened, in order: stored for replay and handed to whoever listens. */
export class EventLog {
  readonly #store: Store;
  readonly #listeners = new Set<(told: ToldEvent) => void>();
  #pending: { time: Nanoseconds; told: ToldEvent }[] = [];
  #sinceTrim = 0;
  #emitted = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  emit(type: EventType, action: string, id: string, attributes: Readonly<Record<string, string>>): void {
    this.#emitted++;
    const now = nowNanoseconds();
    const legacy =
      type === "container"
        ? { status: action, id, from: attributes.image ?? "" }
        : type === "image"
          ? { status: action, id }
          : {};
    const event: EventDocument = {
      ...legacy,
      Type: type,
      Action: action,
      Actor: { ID: id, Attributes: attributes },
      scope: "local",
      time: Number(now / 1_000_000_000n),
      timeNano: Number(now),
    };
    const told = new ToldEvent(event);
    for (const listener of this.#listeners) listener(told);
    if (this.#pending.push({ time: now, told }) === 1) setTimeout(() => this.flush(), FLUSH_DELAY_MS);
  }

  /** Since this engine started. */
  get emittedCount(): number {
    return this.#emitted;
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  /** Writes what is not yet in the store. */
  flush(): void {
    const batch = this.#pending;
    if (batch.length === 0) return;
    this.#pending = [];
    const { db } = this.#store;
    this.#store.transaction(() => {
      const insert = db.query("INSERT INTO event (time_ns, document) VALUES (?, ?)");
      for (const { time, told } of batch) insert.run(time, told.text);
      this.#sinceTrim += batch.length;
      if (this.#sinceTrim >= 256) {
        db.query("DELETE FROM event WHERE rowid <= (SELECT max(rowid) FROM event) - ?").run(KEPT_EVENTS);
        this.#sinceTrim = 0;
      }
    });
  }

  /**
   * Replays from `since`, then follows until `until` or the signal. Ends, rather than grows, when its reader stops.
   * @returns each an {@link EventDocument} as JSON, which is what the store has and what clients get
   * @throws invalid, at once, for a filter that is unknown.
   */
  subscribe(subscription: EventSubscription): AsyncGenerator<string> {
    assertKnownFilters(subscription.filters, FILTERS);
    return this.#follow(subscription);
  }

  async *#follow(subscription: EventSubscription): AsyncGenerator<string> {
    const { since, until, filters, abort } = subscription;
    const queue: ToldEvent[] = [];
    let wake: () => void = () => {};
    let overflowed = false;
    const listener = (told: ToldEvent) => {
      if (!matches(told.event, filters)) return;
      if (queue.length >= MAX_QUEUED) overflowed = true;
      else queue.push(told);
      wake();
    };
    const onAbort = () => wake();
    const timer = until === undefined ? undefined : setTimeout(() => wake(), Math.max(0, millisecondsUntil(until)));
    this.#listeners.add(listener);
    abort.addEventListener("abort", onAbort);
    try {
      if (since !== undefined) {
        this.flush();
        yield* this.#replay(since, until ?? nowNanoseconds(), filters);
      }
      while (!abort.aborted && !overflowed) {
        const next = queue.shift();
        if (next) {
          if (until !== undefined && BigInt(next.event.timeNano) > until) return;
          yield next.text;
          continue;
        }
        if (until !== undefined && millisecondsUntil(until) <= 0) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      clearTimeout(timer);
      this.#listeners.delete(listener);
      abort.removeEventListener("abort", onAbort);
    }
  }

  /**
   * What was written when it began, a page at a time, so that other clients have their turn. The listener was set before:
   * nothing is missed or seen twice in between.
   */
  async *#replay(since: Nanoseconds, until: Nanoseconds, filters: Filters): AsyncGenerator<string> {
    const { db } = this.#store;
    const newest = db.query<{ row: number | null }, []>("SELECT max(rowid) AS row FROM event").get()?.row ?? 0;
    // The plus keeps SQLite from the index of times, by which each page would be all that is left, sorted anew.
    const page = db.query<{ row: number; document: string }, [bigint, bigint, number, number, number]>(
      `SELECT rowid AS row, document FROM event
       WHERE +time_ns >= ? AND +time_ns <= ? AND rowid > ? AND rowid <= ? ORDER BY rowid LIMIT ?`,
    );
    for (let last = 0; ; ) {
      const rows = page.all(since, until, last, newest, REPLAY_PAGE);
      for (const { row, document } of rows) {
        last = row;
        if (filters.size === 0 || matches(JSON.parse(document) as EventDocument, filters)) yield document;
      }
      if (rows.length < REPLAY_PAGE) return;
      await nextTurn();
    }
  }
}

/** An event and its text, which is made once for all who get it. */
class ToldEvent {
  #text: string | undefined;

  constructor(readonly event: EventDocument) {}

  get text(): string {
    this.#text ??= JSON.stringify(this.event);
    return this.#text;
  }
}

function millisecondsUntil(time: Nanoseconds): number {
  return Number(time / 1_000_000n) - Date.now();
}

/** Docker's event filters: values of one key are alternatives, keys add up. */
export function matches(event: EventDocument, filters: Filters): boolean {
  const { ID: id, Attributes: attributes } = event.Actor;
  for (const [key, values] of filters) {
    if (values.length === 0) continue;
    const fits = (accept: (value: string) => boolean) => values.some(accept);
    switch (key) {
      case "type":
        if (!fits((value) => value === event.Type)) return false;
        break;
      case "event":
        // `health_status` and `exec_start` carry a detail after a colon.
        if (!fits((value) => event.Action === value || event.Action.startsWith(`${value}:`))) return false;
        break;
      case "scope":
        if (!fits((value) => value === event.scope)) return false;
        break;
      case "label":
        if (!values.every((value) => hasLabel(attributes, value))) return false;
        break;
      case "image":
        if (!fits((value) => sameImage(event, value))) return false;
        break;
      case "container":
      case "network":
      case "volume":
      case "daemon":
        // By the beginning of id or name, whatever the event's type, as Docker's daemon/events/filter.go.
        if (!fits((value) => id.startsWith(value) || (attributes.name ?? "").startsWith(value))) return false;
        break;
      default:
        return false;
    }
  }
  return true;
}

function hasLabel(attributes: Readonly<Record<string, string>>, wanted: string): boolean {
  const at = wanted.indexOf("=");
  return at < 0 ? attributes[wanted] !== undefined : attributes[wanted.slice(0, at)] === wanted.slice(at + 1);
}

function sameImage(event: EventDocument, wanted: string): boolean {
  const name = event.Type === "image" ? (event.Actor.Attributes.name ?? event.Actor.ID) : event.Actor.Attributes.image;
  if (name === undefined) return false;
  return name === wanted || name.split(":")[0] === wanted || event.Actor.ID === wanted;
}
