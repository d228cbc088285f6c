import { closeSync, openSync, readSync } from "node:fs";

/** How late the event loop was at worst, since it was looked at last. */
export interface EventLoopDelay {
  /** Whatever the reason. */
  readonly delayMs: number;
  /** Without the time in which this thread was ready and no processor was free: what the program itself held up. */
  readonly stallMs: number;
  /** Of that, the time in which this thread computed: the rest is other threads', the disk's and the kernel's. */
  readonly busyMs: number;
}

/** How long this thread has run, and waited for a processor, in all; zeros where the kernel does not say. */
interface Account {
  readonly ranMs: number;
  readonly queuedMs: number;
}

const NO_ACCOUNT: Account = { ranMs: 0, queuedMs: 0 };
const NO_DELAY: EventLoopDelay = { delayMs: 0, stallMs: 0, busyMs: 0 };

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
  #lastAccount: Account = NO_ACCOUNT;
  #lastLook = 0;
  #worst: EventLoopDelay = NO_DELAY;
  readonly #buffer = Buffer.alloc(128);

  /** Zeros at the first look, from which on it watches. */
  look(): EventLoopDelay {
    const worst = this.#worst;
    this.#worst = NO_DELAY;
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
    this.#lastAccount = this.#account();
    this.#timer = setInterval(() => this.#tick(), INTERVAL_MS);
    this.#timer.unref();
  }

  #tick(): void {
    const now = performance.now();
    const account = this.#account();
    const delayMs = Math.max(0, now - this.#lastTick - INTERVAL_MS);
    const stallMs = Math.max(0, delayMs - (account.queuedMs - this.#lastAccount.queuedMs));
    const busyMs = Math.min(stallMs, account.ranMs - this.#lastAccount.ranMs);
    this.#worst = {
      delayMs: Math.max(this.#worst.delayMs, delayMs),
      stallMs: Math.max(this.#worst.stallMs, stallMs),
      busyMs: Math.max(this.#worst.busyMs, busyMs),
    };
    this.#lastTick = now;
    this.#lastAccount = account;
    if (now - this.#lastLook > FORGOTTEN_AFTER_MS) this.stop();
  }

  #account(): Account {
    if (this.#schedstat < 0) return NO_ACCOUNT;
    const length = readSync(this.#schedstat, this.#buffer, 0, this.#buffer.length, 0);
    const [ranNs, queuedNs] = this.#buffer.toString("latin1", 0, length).split(" ");
    return { ranMs: Number(ranNs) / 1e6, queuedMs: Number(queuedNs) / 1e6 };
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
