import { fail } from "../base/errors.ts";
import type { RestartPolicy } from "./container-config.ts";
import type { ContainerRecord } from "./container-record.ts";

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 60_000;
/** A run of this length counts as a success: the next delay is the first again. */
const GOOD_RUN_MS = 10_000;

/** What of a container decides whether it comes back. */
type RestartFacts = Pick<ContainerRecord, "hostConfig" | "restartCount" | "stoppedByUser" | "state">;

/** @throws invalid `RESTART_COUNT` in Docker's words. */
export function requireRestartPolicy({ Name: policy, MaximumRetryCount: count }: RestartPolicy): void {
  if (count !== 0 && policy !== "on-failure") {
    fail("invalid", "RESTART_COUNT", "invalid restart policy: maximum retry count can only be used with 'on-failure'");
  }
  if (count < 0) fail("invalid", "RESTART_COUNT", "invalid restart policy: maximum retry count cannot be negative");
}

/** Whether Docker's rules start a container again that has just ended by itself. */
export function shouldRestart(record: RestartFacts, exitCode: number): boolean {
  const { Name: policy, MaximumRetryCount: limit } = record.hostConfig.RestartPolicy;
  if (record.stoppedByUser) return false;
  switch (policy) {
    case "always":
    case "unless-stopped":
      return true;
    case "on-failure":
      return exitCode !== 0 && (limit === 0 || record.restartCount < limit);
    case "":
    case "no":
      return false;
    default:
      return policy satisfies never;
  }
}

/** Whether an engine that starts up starts this container, which does not run. */
export function shouldStartWithEngine(record: RestartFacts): boolean {
  const { Name: policy } = record.hostConfig.RestartPolicy;
  if (record.state.status === "created") return false;
  if (policy === "always") return true;
  if (record.stoppedByUser) return false;
  if (policy === "unless-stopped") return true;
  return record.state.status === "exited" && record.state.restarting;
}

/** 100 ms, doubled each time up to a minute, as Docker's. @param before the last delay, undefined for none yet. */
export function nextDelayMs(before: number | undefined, ranForMs: number): number {
  return before === undefined || ranForMs >= GOOD_RUN_MS ? FIRST_DELAY_MS : Math.min(before * 2, LONGEST_DELAY_MS);
}

/** Restarts to come, by container id. */
export class RestartTimers {
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #delays = new Map<string, number>();
  readonly #held = new Set<string>();

  /** Calls `start` after the container's delay, unless {@link cancel} comes first. */
  schedule(id: string, ranForMs: number, start: () => void): void {
    const delay = nextDelayMs(this.#delays.get(id), ranForMs);
    this.#delays.set(id, delay);
    const timer = setTimeout(() => {
      this.#timers.delete(id);
      start();
    }, delay);
    this.#timers.set(id, timer);
  }

  /** @returns whether a restart was waiting. */
  cancel(id: string): boolean {
    clearTimeout(this.#timers.get(id));
    return this.#timers.delete(id);
  }

  forget(id: string): void {
    this.cancel(id);
    this.#delays.delete(id);
  }

  /** Until {@link release} the container's end is part of a restart: policies leave it alone. */
  hold(id: string): void {
    this.#held.add(id);
  }

  release(id: string): void {
    this.#held.delete(id);
  }

  isHeld(id: string): boolean {
    return this.#held.has(id);
  }

  cancelAll(): void {
    for (const id of [...this.#timers.keys()]) this.cancel(id);
  }
}
