import { fail, LighterError } from "../../base/errors.ts";
import type { Gateway } from "./gateway.ts";
import type { StatusHub } from "./status-hub.ts";

/** How long a question about a build waits for the build, which the client asks for at the same time. */
const WAIT_MS = 5_000;

/** A build under way, as others of its client's calls see it. */
export interface Build {
  readonly ref: string;
  readonly status: StatusHub;
  /** Where the client itself drives the build, its calls arrive here; else null. */
  readonly gateway: Gateway | null;
}

/** The builds under way, by the names that their clients chose. */
export class Builds {
  readonly #running = new Map<string, Build>();
  readonly #cancels = new Map<string, AbortController>();
  readonly #waiting = new Map<string, Set<(build: Build) => void>>();

  /** @throws invalid for no name, conflict for one that is in use */
  begin(build: Build): Disposable {
    const { ref } = build;
    if (ref === "") fail("invalid", "NO_BUILD_REF", "a build needs a ref");
    if (this.#running.has(ref)) fail("conflict", "BUILD_EXISTS", `build ${ref} already exists`);
    this.#running.set(ref, build);
    for (const tell of this.#waiting.get(ref) ?? []) tell(build);
    return {
      [Symbol.dispose]: () => {
        this.#running.delete(ref);
        build.status.end();
      },
    };
  }

  /** Work that {@link cancel} ends, besides `abort`. No name: nobody can. */
  async *cancellable<T>(
    id: string,
    abort: AbortSignal,
    work: (signal: AbortSignal) => AsyncIterable<T>,
  ): AsyncGenerator<T> {
    const cancel = new AbortController();
    if (id !== "") this.#cancels.set(id, cancel);
    try {
      yield* work(AbortSignal.any([abort, cancel.signal]));
    } finally {
      this.#cancels.delete(id);
    }
  }

  /** Docker answers well for a build that there is not, or no more. */
  cancel(id: string): void {
    this.#cancels.get(id)?.abort(new LighterError("cancelled", "BUILD_CANCELLED", "Build cancelled"));
  }

  /** The build of this name, waited for a moment. @throws not-found */
  async get(ref: string, signal: AbortSignal): Promise<Build> {
    const running = this.#running.get(ref);
    if (running) return running;
    signal.throwIfAborted();
    const { promise, resolve } = Promise.withResolvers<Build | null>();
    const waiting = this.#waiting.get(ref) ?? new Set();
    this.#waiting.set(ref, waiting.add(resolve));
    const giveUp = () => resolve(null);
    const timer = setTimeout(giveUp, WAIT_MS);
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      return (await promise) ?? fail("not-found", "NO_BUILD", `no such job ${ref}`);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", giveUp);
      waiting.delete(resolve);
      if (waiting.size === 0) this.#waiting.delete(ref);
    }
  }
}
