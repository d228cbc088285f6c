import { describe, expect, test } from "bun:test";
import { afterProbe, endedHealth, type Health, nextProbeInMs, startingHealth } from "./health.ts";
import type { HealthCheck } from "./health-check.ts";

const STARTED = "2026-01-01T00:00:00Z";
const CHECK: HealthCheck = {
  command: ["true"],
  intervalMs: 30_000,
  timeoutMs: 1_000,
  startPeriodMs: 60_000,
  startIntervalMs: 2_000,
  retries: 2,
};

/** A probe that takes no time, so many seconds after the container's start. */
function probe(seconds: number, ExitCode: number) {
  const at = new Date(Date.parse(STARTED) + seconds * 1000).toISOString();
  return { Start: at, End: at, ExitCode, Output: "" };
}

function after(...probes: [seconds: number, exitCode: number][]): Health {
  return probes.reduce(
    (health, [seconds, exitCode]) => afterProbe(health, probe(seconds, exitCode), CHECK, STARTED),
    startingHealth(null),
  );
}

describe("a probe", () => {
  test.each<[string, [number, number][], string, number]>([
    ["none yet", [], "starting", 0],
    ["a success", [[1, 0]], "healthy", 0],
    [
      "failures within the start period",
      [
        [1, 1],
        [2, 1],
        [3, 1],
      ],
      "starting",
      0,
    ],
    ["the first failure after it", [[61, 1]], "starting", 1],
    [
      "as many as may fail after it",
      [
        [61, 1],
        [62, 1],
      ],
      "unhealthy",
      2,
    ],
    [
      "a failure within the start period after a success",
      [
        [1, 0],
        [2, 1],
      ],
      "healthy",
      1,
    ],
    [
      "failures within the start period after a success",
      [
        [1, 0],
        [2, 1],
        [3, -1],
      ],
      "unhealthy",
      2,
    ],
    [
      "a success after failures",
      [
        [61, 1],
        [62, 1],
        [63, 0],
      ],
      "healthy",
      0,
    ],
  ])("%s: %j makes it %s with a streak of %d", (_, probes, status, streak) => {
    expect(after(...probes)).toMatchObject({ Status: status, FailingStreak: streak });
  });

  test("is kept among the last five", () => {
    const health = after([1, 1], [2, 1], [3, 1], [4, 1], [5, 1], [6, 0]);
    expect(health.Log.map(({ Start }) => new Date(Start).getSeconds())).toEqual([2, 3, 4, 5, 6]);
  });
});

test("a container that ended is unhealthy; started again it is starting, with its last probes", () => {
  const ended = endedHealth(after([1, 0]));
  expect(ended).toMatchObject({ Status: "unhealthy", FailingStreak: 0 });
  expect(startingHealth(ended)).toEqual({ Status: "starting", FailingStreak: 0, Log: [probe(1, 0)] });
  expect(endedHealth(null)).toBeNull();
});

test.each<[string, [number, number][], number, number]>([
  ["right after the start, by the start interval", [], 0, 2_000],
  ["some of it is over", [], 1.5, 500],
  ["after a failure while starting", [[2, 1]], 3, 1_000],
  ["once healthy, by the interval", [[2, 0]], 2, 30_000],
  [
    "after the start period, by the interval",
    [
      [58, 1],
      [60, 1],
    ],
    61,
    29_000,
  ],
  ["overdue, as after an engine's absence", [[2, 0]], 100, 0],
])("the next probe is due, %s", (_, probes, seconds, expected) => {
  expect(nextProbeInMs(after(...probes), CHECK, STARTED, Date.parse(STARTED) + seconds * 1000)).toBe(expected);
});

test("a probe of the container's last run does not delay the first of this one", () => {
  const health = startingHealth(after([-100, 0]));
  expect(nextProbeInMs(health, CHECK, STARTED, Date.parse(STARTED))).toBe(2_000);
});
