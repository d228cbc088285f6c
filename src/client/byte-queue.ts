/** What a reader may lag behind before the sender is asked to pause. */
const HIGH_WATER_BYTES = 1 << 20;

/** Told when the queue has become too long, and when it has been emptied again. */
export interface Throttle {
  pause(): void;
  resume(): void;
}

/**
 * Chunks that arrive by callback, read by one `for await`. Leaving the loop early calls `abandoned`.
 * Guards that no more than about a mebibyte is waiting: the source is paused meanwhile.
 */
export class ByteQueue implements AsyncIterable<Uint8Array> {
  #chunks: Uint8Array[] = [];
  #waitingBytes = 0;
  #paused = false;
  #outcome: { readonly error: Error | null } | null = null;
  #wake: (() => void) | null = null;

  constructor(
    private readonly throttle: Throttle,
    private readonly abandoned: () => void,
  ) {}

  push(chunk: Uint8Array): void {
    if (chunk.length === 0 || this.#outcome) return;
    this.#chunks.push(chunk);
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes >= HIGH_WATER_BYTES && !this.#paused) {
      this.#paused = true;
      this.throttle.pause();
    }
    this.#wake?.();
  }

  /** No more will come; with an error, the reader gets what has arrived and then the error. */
  end(error: Error | null = null): void {
    this.#outcome ??= { error };
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    try {
      for (;;) {
        const chunk = this.#chunks.shift();
        if (chunk) {
          this.#waitingBytes -= chunk.length;
          yield chunk;
        } else if (this.#outcome) {
          if (this.#outcome.error) throw this.#outcome.error;
          return;
        } else {
          await this.#moreOrEnd();
        }
      }
    } finally {
      if (!this.#outcome) this.abandoned();
    }
  }

  async #moreOrEnd(): Promise<void> {
    // Not Promise.withResolvers: Node 20 does not have it.
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (!this.#paused) return;
      this.#paused = false;
      this.throttle.resume();
    });
    this.#wake = null;
  }
}
