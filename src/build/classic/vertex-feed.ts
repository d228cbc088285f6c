import type { Digest } from "../../image/digest.ts";
import type { StatusSink, VertexLog, VertexStatus } from "../graph/status.ts";

/** Whoever follows a vertex. */
export interface VertexListener {
  /** It is being made, not taken from the cache. */
  readonly onStarted: () => Promise<void>;
  readonly onLog: (log: VertexLog) => Promise<void>;
}

/** How much of the followed vertex may wait before it has to. */
const MAX_WAITING = 64;

/**
 * Puts in order what vertices that run side by side say: one is followed at a time, what the others say waits. How much may
 * wait is bounded by how much a vertex may print at all.
 */
export class VertexFeed {
  readonly #statuses = new Map<Digest, VertexStatus>();
  readonly #logs = new Map<Digest, VertexLog[]>();
  #followed: Digest | null = null;
  /** Something came, or room was made. */
  #change = Promise.withResolvers<void>();

  readonly sink: StatusSink = async ({ vertexes = [], logs = [] }) => {
    for (const status of vertexes) this.#statuses.set(status.digest, status);
    for (const log of logs) this.#logs.set(log.vertex, [...(this.#logs.get(log.vertex) ?? []), log]);
    this.#changed();
    const [log] = logs;
    while (log && log.vertex === this.#followed && (this.#logs.get(log.vertex)?.length ?? 0) > MAX_WAITING) {
      await this.#change.promise;
    }
  };

  /**
   * Tells what a vertex has said and says, until it is done.
   * @param ended settles when no vertex will say anything any more.
   * @returns null if it never began.
   */
  async follow(vertex: Digest, listener: VertexListener, ended: Promise<unknown>): Promise<VertexStatus | null> {
    const over = { is: false };
    const end = () => {
      over.is = true;
      this.#changed();
    };
    ended.then(end, end);
    this.#followed = vertex;
    let isStarted = false;
    for (;;) {
      const change = this.#change.promise;
      const status = this.#statuses.get(vertex) ?? null;
      if (status?.started && !status.cached && !isStarted) {
        isStarted = true;
        await listener.onStarted();
      }
      const logs = this.#logs.get(vertex) ?? [];
      this.#logs.delete(vertex);
      for (const log of logs) await listener.onLog(log);
      if (logs.length) this.#changed();
      else if (status?.completed || over.is) {
        this.#followed = null;
        return status;
      } else await change;
    }
  }

  #changed(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}
