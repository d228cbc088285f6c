import { expect, test } from "bun:test";
import { formatTrace } from "./format-trace.ts";

test("each phase has its own time and the moment it ended, the engine's below", () => {
  const phases = [
    { name: "arguments", atMs: 6 },
    { name: "created", atMs: 8.5 },
  ];
  expect(
    formatTrace(phases, "network=1.5, start=0.25")
      .split("\n")
      .map((line) => line.split(/ {2,}/)),
  ).toEqual([
    ["PHASE", "MS", "AT MS"],
    ["cli: arguments", "6.00", "6.00"],
    ["cli: created", "2.50", "8.50"],
    ["engine: network", "1.50", ""],
    ["engine: start", "0.25"],
  ]);
});
