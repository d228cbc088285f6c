/** A line of the classic builder's answer, as `docker build` reads it (Engine API, ImageBuild). */
export type BuildProgress =
  | { readonly stream: string }
  | { readonly aux: { readonly ID: string } }
  | { readonly errorDetail: { readonly code?: number; readonly message: string }; readonly error: string };

/** How much may wait for a client that reads slowly; then the build waits. */
const MAX_WAITING = 256;

/**
 * Progress on its way from a build to its reader: the one pushes, waiting while the reader is behind, the other iterates.
 */
export class ProgressChannel implements AsyncIterable<BuildProgress> {
  readonly #waiting: BuildProgress[] = [];
  #ended: { readonly error: unknown } | null = null;
  /** The reader left: what comes is dropped. */
  #abandoned = false;
  #wakeReader: () => void = () => {};
  #room: PromiseWithResolvers<void> | null = null;

  /** Resolves when there is room for more. Order is kept also by callers that do not wait. */
  push(progress: BuildProgress): Promise<void> {
    if (this.#abandoned) return Promise.resolve();
    this.#waiting.push(progress);
    this.#wakeReader();
    if (this.#waiting.length < MAX_WAITING) return Promise.resolve();
    this.#room ??= Promise.withResolvers();
    return this.#room.promise;
  }

  /** No more will come; `error` is thrown to the reader after all that did. */
  end(error: unknown = null): void {
    this.#ended = { error };
    this.#wakeReader();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<BuildProgress> {
    try {
      for (;;) {
        const progress = this.#waiting.shift();
        if (progress) {
          if (this.#waiting.length < MAX_WAITING / 2) this.#makeRoom();
          yield progress;
        } else if (this.#ended) {
          if (this.#ended.error !== null) throw this.#ended.error;
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wakeReader = resolve;
          });
        }
      }
    } finally {
      this.#abandoned = true;
      this.#makeRoom();
    }
  }

  #makeRoom(): void {
    this.#room?.resolve();
    this.#room = null;
  }
}
