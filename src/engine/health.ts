import type { HealthCheck } from "./health-check.ts";

/** What `inspect` shows of a container's health, in the Engine API's names. */
export interface Health {
  readonly Status: HealthStatus;
  /** Failures since the last success. */
  readonly FailingStreak: number;
  /** The last probes, the newest at the end. */
  readonly Log: readonly ProbeResult[];
}

export type HealthStatus = "starting" | "healthy" | "unhealthy";

export interface ProbeResult {
  /** RFC 3339. */
  readonly Start: string;
  readonly End: string;
  /** -1 for a probe that could not be run or took too long. */
  readonly ExitCode: number;
  readonly Output: string;
}

const KEPT_PROBES = 5;

/** Health at a container's start; probes of its last run stay to be read. */
export function startingHealth(before: Health | null): Health {
  return { Status: "starting", FailingStreak: 0, Log: before?.Log ?? [] };
}

/** Health when nobody looks any more: Docker calls a container that has ended unhealthy. */
export function endedHealth(before: Health | null): Health | null {
  return before && { ...before, Status: "unhealthy" };
}

/** Health after a probe, by Docker's rules. @param startedAt of the container, RFC 3339. */
export function afterProbe(before: Health, probe: ProbeResult, check: HealthCheck, startedAt: string): Health {
  const Log = [...before.Log, probe].slice(-KEPT_PROBES);
  if (probe.ExitCode === 0) return { Status: "healthy", FailingStreak: 0, Log };
  const startingUp =
    before.Status === "starting" && Date.parse(probe.Start) - Date.parse(startedAt) < check.startPeriodMs;
  if (startingUp) return { ...before, Log };
  const FailingStreak = before.FailingStreak + 1;
  return { Status: FailingStreak >= check.retries ? "unhealthy" : before.Status, FailingStreak, Log };
}

/**
 * How long to wait for the next probe: from the last one's end, or from the container's start. It depends on nothing that an
 * engine holds in memory, so a new engine goes on where the last one stopped.
 */
export function nextProbeInMs(health: Health, check: HealthCheck, startedAt: string, now: number): number {
  const started = Date.parse(startedAt);
  const lastEnd = Date.parse(health.Log.at(-1)?.End ?? startedAt);
  const startingUp = health.Status === "starting" && now - started < check.startPeriodMs;
  const interval = startingUp ? check.startIntervalMs : check.intervalMs;
  return Math.max(0, Math.max(started, lastEnd) + interval - now);
}
