import { fail } from "../base/errors.ts";
import type { ContainerConfig, Healthcheck } from "./container-config.ts";

/** A container's health check with Docker's defaults filled in. */
export interface HealthCheck {
  /** What is run in the container: 0 is healthy, anything else is not. */
  readonly command: readonly string[];
  /** From the end of one probe to the next. */
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** From the container's start: failures in it do not count until a probe has succeeded. */
  readonly startPeriodMs: number;
  /** In place of the interval while the container is starting within its start period. */
  readonly startIntervalMs: number;
  /** Failures in a row that make it unhealthy. */
  readonly retries: number;
}

const DEFAULT_INTERVAL_MS = 30_000;
const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_START_INTERVAL_MS = 5_000;
const DEFAULT_RETRIES = 3;

const NANOSECONDS_PER_MS = 1e6;

/** null where there is none, or the image's was switched off with `NONE`. */
export function healthCheckOf({ Healthcheck: check, Shell }: ContainerConfig): HealthCheck | null {
  const command = probeCommand(check?.Test ?? [], Shell ?? []);
  if (!check || command === null) return null;
  return {
    command,
    intervalMs: milliseconds(check.Interval) || DEFAULT_INTERVAL_MS,
    timeoutMs: milliseconds(check.Timeout) || DEFAULT_TIMEOUT_MS,
    startPeriodMs: milliseconds(check.StartPeriod),
    startIntervalMs: milliseconds(check.StartInterval) || DEFAULT_START_INTERVAL_MS,
    retries: check.Retries || DEFAULT_RETRIES,
  };
}

function probeCommand([kind, ...words]: readonly string[], shell: readonly string[]): readonly string[] | null {
  switch (kind) {
    case "CMD":
      return words;
    case "CMD-SHELL":
      return [...(shell.length > 0 ? shell : ["/bin/sh", "-c"]), ...words];
    // NONE, nothing, and what a foreign image may say: Docker runs no check then.
    default:
      return null;
  }
}

function milliseconds(nanoseconds: number): number {
  return nanoseconds / NANOSECONDS_PER_MS;
}

const TIMES = ["Interval", "Timeout", "StartPeriod", "StartInterval"] as const;

/** @throws invalid `INVALID_HEALTHCHECK` in Docker's words. */
export function requireHealthcheck(check: Healthcheck | null): void {
  if (check === null) return;
  for (const field of TIMES) {
    if (check[field] !== 0 && check[field] < NANOSECONDS_PER_MS)
      refuse(`${field} in Healthcheck cannot be less than 1ms`);
  }
  if (check.Retries < 0) refuse("Retries in Healthcheck cannot be negative");
}

function refuse(reason: string): never {
  return fail("invalid", "INVALID_HEALTHCHECK", reason);
}
