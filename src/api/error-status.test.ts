import { expect, test } from "bun:test";
import { LighterError } from "../base/errors.ts";
import { errorBody, statusOfError } from "./error-status.ts";

test.each([
  ["not-modified", 304],
  ["invalid", 400],
  ["unauthorized", 401],
  ["forbidden", 403],
  ["not-found", 404],
  ["conflict", 409],
  ["internal", 500],
  ["not-implemented", 501],
  ["unavailable", 503],
  ["cancelled", 503],
] as const)("%s is a %d", (kind, status) => {
  expect(statusOfError(new LighterError(kind, "X", "x"))).toBe(status);
});

test("what nobody foresaw is a 500 with its text", () => {
  expect(statusOfError(new TypeError("oops"))).toBe(500);
  expect(errorBody(new TypeError("oops"))).toEqual({ message: "oops" });
  expect(errorBody("plain")).toEqual({ message: "plain" });
});
