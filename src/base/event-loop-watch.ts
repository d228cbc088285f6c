import { closeSync, openSync, readSync } from "node:fs";

/** How late the event loop was at worst, since it was looked at last. */
export interface EventLoopDelay {
  /** Whatever the reason. */
  readonly delayMs: number;
  /** Without the time in which this thread was ready and no processor was free: what the program itself held up. */
  readonly stallMs: number;
}

const INTERVAL_MS = 5;
/** Nobody looks any more: the timer would only wake an idle engine. */
const FORGOTTEN_AFTER_MS = 5 * 60_000;

/**
 * Watches the event loop of this thread from the first look on. Told apart by the kernel's account of the run queue
 * (/proc/<pid>/task/<tid>/schedstat, Documentation/scheduler/sched-stats): on a busy machine most delays are the machine's.
 */
export class EventLoopWatch {
  #timer: NodeJS.Timeout | undefined;
  #schedstat = -1;
  #lastTick = 0;
  #lastQueuedNs = 0n;
  #lastLook = 0;
  #delayMs = 0;
  #stallMs = 0;
  readonly #buffer = Buffer.alloc(128);

  /** Zeros at the first look, from which on it watches. */
  look(): EventLoopDelay {
    const worst = { delayMs: this.#delayMs, stallMs: this.#stallMs };
    this.#delayMs = 0;
    this.#stallMs = 0;
    this.#lastLook = performance.now();
    if (!this.#timer) this.#start();
    return worst;
  }

  stop(): void {
    if (!this.#timer) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (this.#schedstat >= 0) closeSync(this.#schedstat);
  }

  #start(): void {
    this.#schedstat = openSchedstat();
    this.#lastTick = performance.now();
    this.#lastQueuedNs = this.#queuedNs();
    this.#timer = setInterval(() => this.#tick(), INTERVAL_MS);
    this.#timer.unref();
  }

  #tick(): void {
    const now = performance.now();
    const queuedNs = this.#queuedNs();
    const delayMs = Math.max(0, now - this.#lastTick - INTERVAL_MS);
    const stallMs = Math.max(0, delayMs - Number(queuedNs - this.#lastQueuedNs) / 1e6);
    this.#delayMs = Math.max(this.#delayMs, delayMs);
    this.#stallMs = Math.max(this.#stallMs, stallMs);
    this.#lastTick = now;
    this.#lastQueuedNs = queuedNs;
    if (now - this.#lastLook > FORGOTTEN_AFTER_MS) this.stop();
  }

  /** How long this thread has waited for a processor in all; 0 where the kernel does not say. */
  #queuedNs(): bigint {
    if (this.#schedstat < 0) return 0n;
    const length = readSync(this.#schedstat, this.#buffer, 0, this.#buffer.length, 0);
    const [, queued = "0"] = this.#buffer.toString("latin1", 0, length).split(" ");
    return BigInt(queued);
  }
}

/** Of the thread that opens it; -1 without CONFIG_SCHEDSTATS. */
function openSchedstat(): number {
  try {
    return openSync("/proc/thread-self/schedstat", "r");
  } catch {
    return -1;
  }
}
