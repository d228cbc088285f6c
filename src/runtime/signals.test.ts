import { expect, test } from "bun:test";
import { constants } from "node:os";
import fc from "fast-check";
import { LighterError } from "../base/errors.ts";
import { parseSignal } from "./signals.ts";

test("names and numbers are those of the system", () => {
  for (const [name, number] of Object.entries(constants.signals)) {
    if (name === "SIGUNUSED") continue;
    expect({ name, number: parseSignal(name) }).toEqual({ name, number });
  }
});

test.each([
  ["term", 15],
  ["SIGTERM", 15],
  ["sigkill", 9],
  ["15", 15],
  ["RTMIN", 34],
  ["SIGRTMIN+3", 37],
  ["rtmax-1", 63],
  ["SIGRTMAX", 64],
  ["32", 32],
] as const)("%s is %i", (text, number) => {
  expect(parseSignal(text)).toBe(number);
});

test.each([
  ["FOO", "invalid signal: FOO"],
  ["", "invalid signal: "],
  ["0", "invalid signal: 0"],
  ["65", "The linux daemon does not support signal 65"],
  ["-1", "The linux daemon does not support signal -1"],
  ["RTMIN+31", "invalid signal: RTMIN+31"],
  ["SIGSIGTERM", "invalid signal: SIGSIGTERM"],
  ["constructor", "invalid signal: constructor"],
])("%p is refused", (text, message) => {
  expect(() => parseSignal(text)).toThrow(message);
});

test("any text is a signal of 1 to 64 or refused", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        expect(parseSignal(text)).toBeWithin(1, 65);
      } catch (error) {
        expect(error).toBeInstanceOf(LighterError);
      }
    }),
  );
});
