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

/** Those who wait for containers to end or go. */
export class ExitWaiters {
  readonly #waiters = new Map<string, Set<Waiter>>();

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
