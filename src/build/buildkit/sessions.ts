import type { Duplex } from "node:stream";
import { fail } from "../../base/errors.ts";
import { GrpcConnection } from "../../grpc/client.ts";

/** How long a build waits for the session that it names: client open both at once. */
const WAIT_MS = 5_000;

/** What a client says of its session in the upgrade's headers (`X-Docker-Expose-Session-*`). */
export interface SessionOffer {
  readonly id: string;
  /** Names the client's directories from one build to the next; empty: nothing does. */
  readonly sharedKey: string;
  /** Paths of the methods that it serves: `/moby.filesync.v1.FileSync/DiffCopy`. */
  readonly methods: readonly string[];
}

/** A client's services for its builds: the engine calls, over a connection that the client opened. */
export interface Session extends SessionOffer {
  readonly connection: GrpcConnection;
  /** Whether the client serves a method; clients write their names in large and small letters alike. */
  readonly supports: (method: string) => boolean;
}

/** The sessions that are open, by id. */
export class Sessions {
  readonly #open = new Map<string, Session>();
  readonly #waiting = new Map<string, Set<(session: Session) => void>>();

  /**
   * Serves a session until its connection ends.
   * @throws conflict where one with this id is open
   */
  async serve(connection: Duplex, offer: SessionOffer): Promise<void> {
    this.assertFree(offer.id);
    const methods = new Set(offer.methods.map((method) => method.toLowerCase()));
    using grpc = new GrpcConnection(connection);
    const session: Session = {
      ...offer,
      connection: grpc,
      supports: (method) => methods.has(method.toLowerCase()),
    };
    this.#open.set(offer.id, session);
    for (const tell of this.#waiting.get(offer.id) ?? []) tell(session);
    try {
      await grpc.closed;
    } finally {
      this.#open.delete(offer.id);
    }
  }

  /** @throws invalid for no id; conflict where one with this id is open */
  assertFree(id: string): void {
    if (id === "") fail("invalid", "NO_SESSION_ID", "a session needs an id: send X-Docker-Expose-Session-Uuid");
    if (this.#open.has(id)) fail("conflict", "SESSION_EXISTS", `session ${id} already exists`);
  }

  /** The session with this id, waited for a moment if it is not there yet. @throws not-found */
  async get(id: string, signal: AbortSignal): Promise<Session> {
    const open = this.#open.get(id);
    if (open) return open;
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<Session>();
    const waiting = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, waiting.add(resolve));
    const giveUp = () => reject(signal.reason);
    const timer = setTimeout(() => reject(null), WAIT_MS);
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      return await promise;
    } catch (reason) {
      if (reason !== null) throw reason;
      return fail(
        "not-found",
        "NO_SESSION",
        `no active session for ${id}: the client has closed it or never opened it`,
      );
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", giveUp);
      waiting.delete(resolve);
      if (waiting.size === 0) this.#waiting.delete(id);
    }
  }
}
