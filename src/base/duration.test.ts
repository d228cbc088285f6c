import { expect, test } from "bun:test";
import { formatDuration } from "./duration.ts";

test.each([
  [0, "0s"],
  [5, "5ns"],
  [1500, "1.5µs"],
  [500e6, "500ms"],
  [2.5e9, "2.5s"],
  [60e9, "1m0s"],
  [5400e9, "1h30m0s"],
])("%p nanoseconds are %s", (nanoseconds, text) => {
  expect(formatDuration(nanoseconds)).toBe(text);
});
