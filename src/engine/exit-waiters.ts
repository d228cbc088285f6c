/** What the Engine API's wait endpoint waits for. */
export type WaitCondition = "not-running" | "next-exit" | "removed";

export interface WaitResult {
  readonly StatusCode: number;
  readonly Error?: { readonly Message: string };
}

interface Waiter {
  readonly condition: WaitCondition;
  readonly resolve: (result: WaitResult) => void;
}

/** How many containers that removed themselves are remembered, and how long a client may take from start to wait. */
const REMEMBERED = 256;
const REMEMBERED_MS = 10_000;

/** Those who wait for containers to end or go. */
export class ExitWaiters {
  readonly #waiters = new Map<string, Set<Waiter>>();
  readonly #selfRemoved = new Map<string, { readonly exitCode: number; readonly at: number }>();

  /** Registers at once, so that nothing which happens after the call is missed. Rejects with the signal's reason. */
  wait(id: string, condition: WaitCondition, abort: AbortSignal): Promise<WaitResult> {
    const { promise, resolve, reject } = Promise.withResolvers<WaitResult>();
    const waiter: Waiter = { condition, resolve };
    const set = this.#waiters.get(id) ?? new Set();
    this.#waiters.set(id, set.add(waiter));
    const onAbort = () => {
      this.#forget(id, waiter);
      reject(abort.reason);
    };
    if (abort.aborted) onAbort();
    else abort.addEventListener("abort", onAbort, { once: true });
    const done = () => abort.removeEventListener("abort", onAbort);
    promise.then(done, done);
    return promise;
  }

  exited(id: string, exitCode: number): void {
    this.#settle(id, (condition) => condition !== "removed", { StatusCode: exitCode });
  }

  removed(id: string, exitCode: number): void {
    this.#settle(id, () => true, { StatusCode: exitCode });
  }

  /**
   * A container with AutoRemove is about to go. Clients such as dockerode start a container first and wait for it then;
   * with Docker their wait comes before the removal, which takes longer there than a short program and its removal here.
   */
  removesItself(id: string, exitCode: number): void {
    const [oldest] = this.#selfRemoved.keys();
    if (oldest !== undefined && this.#selfRemoved.size >= REMEMBERED) this.#selfRemoved.delete(oldest);
    this.#selfRemoved.set(id, { exitCode, at: performance.now() });
  }

  /** How a container that removed itself a moment ago ended. */
  resultOfRemoved(id: string): WaitResult | undefined {
    const exit = this.#selfRemoved.get(id);
    return exit && performance.now() - exit.at < REMEMBERED_MS ? { StatusCode: exit.exitCode } : undefined;
  }

  /** A removal that was asked for failed: those who wait for it are told. */
  removalFailed(id: string, exitCode: number, message: string): void {
    this.#settle(id, (condition) => condition === "removed", { StatusCode: exitCode, Error: { Message: message } });
  }

  #settle(id: string, fits: (condition: WaitCondition) => boolean, result: WaitResult): void {
    for (const waiter of [...(this.#waiters.get(id) ?? [])]) {
      if (!fits(waiter.condition)) continue;
      this.#forget(id, waiter);
      waiter.resolve(result);
    }
  }

  #forget(id: string, waiter: Waiter): void {
    const set = this.#waiters.get(id);
    set?.delete(waiter);
    if (set?.size === 0) this.#waiters.delete(id);
  }
}
