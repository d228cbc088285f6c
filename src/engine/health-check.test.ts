import { expect, test } from "bun:test";
import { ContainerConfigSchema } from "./container-config.ts";
import { healthCheckOf, requireHealthcheck } from "./health-check.ts";

const check = (Healthcheck: Record<string, unknown> | undefined, Shell?: string[]) =>
  healthCheckOf(ContainerConfigSchema.parse({ Healthcheck, Shell }));

test.each([
  [["CMD", "curl", "-f", "x"], undefined, ["curl", "-f", "x"]],
  [["CMD-SHELL", "curl -f x || exit 1"], undefined, ["/bin/sh", "-c", "curl -f x || exit 1"]],
  [
    ["CMD-SHELL", "true"],
    ["/bin/bash", "-ec"],
    ["/bin/bash", "-ec", "true"],
  ],
])("the test %j with the shell %j runs %j", (Test, shell, command) => {
  expect(check({ Test }, shell)?.command).toEqual(command);
});

test.each([[undefined], [{}], [{ Test: [] }], [{ Test: ["NONE"] }], [{ Test: ["MAYBE", "x"] }]])(
  "%j is no check",
  (given) => {
    expect(check(given)).toBeNull();
  },
);

test("what is left open has Docker's defaults", () => {
  expect(check({ Test: ["CMD", "true"] })).toMatchObject({
    intervalMs: 30_000,
    timeoutMs: 30_000,
    startPeriodMs: 0,
    startIntervalMs: 5_000,
    retries: 3,
  });
});

test.each([
  ["Interval", 999_999, "Interval in Healthcheck cannot be less than 1ms"],
  ["Timeout", -1, "Timeout in Healthcheck cannot be less than 1ms"],
  ["StartPeriod", 5, "StartPeriod in Healthcheck cannot be less than 1ms"],
  ["StartInterval", 5, "StartInterval in Healthcheck cannot be less than 1ms"],
  ["Retries", -1, "Retries in Healthcheck cannot be negative"],
])("%s of %p is refused in Docker's words", (field, value, message) => {
  const { Healthcheck } = ContainerConfigSchema.parse({ Healthcheck: { Test: ["CMD", "true"], [field]: value } });
  expect(() => requireHealthcheck(Healthcheck)).toThrow(message);
});
