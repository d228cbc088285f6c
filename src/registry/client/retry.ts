import { setTimeout as sleep } from "node:timers/promises";
import { ConnectionFailure } from "./connection-failure.ts";

/** How often and after how long something is tried again. */
export interface RetryPolicy {
  readonly attempts: number;
  /** Before the second attempt; doubled before each further one. */
  readonly firstDelayMs: number;
  /** A registry that wants to be left alone for longer is believed, and given up. */
  readonly longestDelayMs: number;
}

export const DEFAULT_RETRIES: RetryPolicy = { attempts: 6, firstDelayMs: 500, longestDelayMs: 60_000 };

/** Thrown by an attempt that another one may make good. */
export class Retry {
  constructor(
    readonly cause: unknown,
    /** What the registry asked for (Retry-After). */
    readonly delayMs: number | null = null,
  ) {}
}

/**
 * Runs an attempt until it succeeds, fails for good, or has failed too often. Attempts throw {@link Retry} or
 * {@link ConnectionFailure} for what may pass; anything else is final.
 * @param onDelay told before each pause.
 * @returns the attempt's result. @throws the last cause.
 */
export async function withRetries<T>(
  policy: RetryPolicy,
  signal: AbortSignal,
  attempt: () => Promise<T>,
  options: { onDelay?: (delayMs: number) => void; hadProgress?: () => boolean } = {},
): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      const retry = error instanceof ConnectionFailure && error.mayPass ? new Retry(error) : error;
      if (!(retry instanceof Retry)) throw error;
      // Who got a good piece further starts counting anew, so that a bad line still brings a large layer home.
      if (options.hadProgress?.()) failures = 1;
      const delayMs = Math.max(
        policy.firstDelayMs * 2 ** (failures - 1) * (0.75 + Math.random() / 2),
        retry.delayMs ?? 0,
      );
      if (failures >= policy.attempts || delayMs > policy.longestDelayMs) throw retry.cause;
      options.onDelay?.(delayMs);
      await sleep(delayMs, undefined, { signal });
    }
  }
}
