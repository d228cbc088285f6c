import { expect, test } from "bun:test";
import { HostConfigSchema } from "./container-config.ts";
import { nextDelayMs, requireRestartPolicy, shouldRestart, shouldStartWithEngine } from "./restart-policy.ts";

test("delays double from 100 ms to a minute, and begin again after ten seconds of running", () => {
  const delays: number[] = [];
  for (let count = 0; count < 12; count++) delays.push(nextDelayMs(delays.at(-1), 9_999));
  expect(delays).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000]);
  expect(nextDelayMs(60_000, 10_000)).toBe(100);
});

function container(
  policy: string,
  { limit = 0, count = 0, stopped = false, state = "exited", restarting = false } = {},
) {
  const times = { startedAt: "", finishedAt: "" };
  return {
    hostConfig: HostConfigSchema.parse({ RestartPolicy: { Name: policy, MaximumRetryCount: limit } }),
    restartCount: count,
    stoppedByUser: stopped,
    state:
      state === "created"
        ? ({ status: "created", error: "", exitCode: 0 } as const)
        : ({ status: "exited", exitCode: 1, oomKilled: false, error: "", restarting, ...times } as const),
  };
}

test.each([
  ["no", {}, 1, false],
  ["always", {}, 0, true],
  ["always", { stopped: true }, 1, false],
  ["unless-stopped", {}, 0, true],
  ["unless-stopped", { stopped: true }, 0, false],
  ["on-failure", {}, 0, false],
  ["on-failure", { count: 1000 }, 1, true],
  ["on-failure", { limit: 2, count: 1 }, 137, true],
  ["on-failure", { limit: 2, count: 2 }, 137, false],
])("%s %j after exit code %d: %p", (policy, facts, exitCode, expected) => {
  expect(shouldRestart(container(policy, facts), exitCode)).toBe(expected);
});

test.each([
  ["always", { state: "created" }, false],
  ["always", { stopped: true }, true],
  ["unless-stopped", {}, true],
  ["unless-stopped", { stopped: true }, false],
  ["on-failure", {}, false],
  ["on-failure", { restarting: true }, true],
  ["no", {}, false],
])("%s %j starts with the engine: %p", (policy, facts, expected) => {
  expect(shouldStartWithEngine(container(policy, facts))).toBe(expected);
});

test.each([
  ["always", 2, "maximum retry count can only be used with 'on-failure'"],
  ["on-failure", -1, "maximum retry count cannot be negative"],
] as const)("%s:%d is refused", (Name, MaximumRetryCount, reason) => {
  expect(() => requireRestartPolicy({ Name, MaximumRetryCount })).toThrow(`invalid restart policy: ${reason}`);
});
