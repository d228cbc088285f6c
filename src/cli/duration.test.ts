import { expect, test } from "bun:test";
import { parseDuration } from "./duration.ts";

test.each([
  ["0", 0],
  ["5ns", 5],
  ["1us", 1000],
  ["1µs", 1000],
  ["500ms", 5e8],
  ["1.5s", 1.5e9],
  [".5s", 5e8],
  ["1m30s", 90e9],
  ["-2h", -7200e9],
  ["+1h0m1s", 3601e9],
])("%s is %p nanoseconds", (text, nanoseconds) => {
  expect(parseDuration(text)).toBe(nanoseconds);
});

test.each([
  ["5", 'time: missing unit in duration "5"'],
  ["", 'time: invalid duration ""'],
  ["s", 'time: invalid duration "s"'],
  ["1x", 'time: invalid duration "1x"'],
  ["1 s", 'time: invalid duration "1 s"'],
])("%p is refused in Go's words", (text, message) => {
  expect(() => parseDuration(text)).toThrow(message);
});
