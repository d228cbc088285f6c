import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fail, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { nativePath } from "../base/native.ts";
import { Shim } from "./shim.ts";
import { ShimLauncher } from "./shim-launcher.ts";

const DEFAULT_COUNT = 4;
const MAX_COUNT = 64;
/**
 * How long after a take the next ones are made. Entering v1 cgroups waits for a grace period under locks that every fork and
 * every change of a cgroup needs as well, so a berth that is made while its neighbour starts would cost more than it saves.
 */
const REFILL_DELAY_MS = 15;
/** Several are made at a time: they wait for the same grace period. */
const REFILL_AT = 1;
const CGROUP_PARENT = "/lighter";

/**
 * Shims that wait to become containers, each with its cgroups, keeper and namespaced first process made already. Taking
 * one is free; the next is made a moment later.
 */
export class Berths {
  readonly #directory: string;
  readonly #launcher: ShimLauncher;
  readonly #log: Log;
  readonly #count: number;
  readonly #waiting: Shim[] = [];
  #making: Promise<void> | null = null;
  #refill: ReturnType<typeof setTimeout> | undefined;
  #disposed = false;

  /**
   * @param run the engine's run directory; sockets are `<run>/shims/<name>.sock`
   * @param count how many to keep waiting, `LIGHTER_BERTHS` or 4
   */
  constructor(run: string, log: Log, count = countFrom(process.env.LIGHTER_BERTHS)) {
    this.#directory = join(run, "shims");
    this.#log = log;
    this.#count = count;
    this.#launcher = new ShimLauncher(nativePath("lighter-shim"), this.#directory);
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.length;
  }

  /** Begins to fill up, in the background. */
  fill(): void {
    const missing = this.#count - this.#waiting.length;
    if (this.#making || this.#disposed || missing <= 0) return;
    // A failure is not repeated by itself: the next take tries again, and tells its caller.
    this.#making = this.#make(missing)
      .catch((error: unknown) => this.#log("warn", "no berth could be made ahead", { error: messageOf(error) }))
      .finally(() => {
        this.#making = null;
      });
  }

  /**
   * A waiting shim, or one made now. It is the caller's: to be created, or released.
   * @throws internal `SHIM_SPAWN`
   */
  async take(): Promise<Shim> {
    for (let shim = this.#waiting.shift(); shim; shim = this.#waiting.shift()) {
      if (!shim.connected) continue; // killed while it waited
      this.#refillLater();
      return shim;
    }
    const [shim] = await launchShims(this.#launcher, this.#directory, 1);
    this.#refillLater();
    return shim ?? fail("internal", "SHIM_SPAWN", "no shim was started");
  }

  #refillLater(): void {
    if (this.#disposed || this.#waiting.length > Math.min(REFILL_AT, this.#count - 1)) return;
    this.#refill ??= setTimeout(() => {
      this.#refill = undefined;
      this.fill();
    }, REFILL_DELAY_MS);
  }

  /** Ends the waiting ones; those that were taken go on. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    clearTimeout(this.#refill);
    await this.#making;
    await Promise.all(this.#waiting.splice(0).map((shim) => shim.release()));
    this.#launcher[Symbol.dispose]();
  }

  async #make(count: number): Promise<void> {
    const shims = await launchShims(this.#launcher, this.#directory, count);
    if (this.#disposed) await Promise.all(shims.map((shim) => shim.release()));
    else this.#waiting.push(...shims);
  }
}

/** Where a shim's cgroups are until they become a container's. */
export function berthCgroup(name: string): string {
  return `${CGROUP_PARENT}/berth-${name}`;
}

function countFrom(text: string | undefined): number {
  const count = Number(text);
  return text && Number.isInteger(count) && count >= 0 ? Math.min(count, MAX_COUNT) : DEFAULT_COUNT;
}

/** Starts shims that wait, each with a socket of its own in the directory, and connects to them. */
async function launchShims(launcher: ShimLauncher, directory: string, count: number): Promise<Shim[]> {
  const orders = Array.from({ length: count }, () => {
    const name = randomBytes(6).toString("hex");
    return { socket: join(directory, `${name}.sock`), cgroupPath: berthCgroup(name) };
  });
  await launcher.launch(orders);
  const shims = await Promise.allSettled(orders.map(({ socket }) => Shim.connect(socket)));
  const failed = shims.find((shim) => shim.status === "rejected");
  const connected = shims.flatMap((shim) => (shim.status === "fulfilled" ? [shim.value] : []));
  if (!failed) return connected;
  for (const shim of connected) shim.disconnect();
  throw failed.reason;
}
