import { describe, expect, test } from "bun:test";
import { formatApiVersion, since, splitVersion } from "./api-version.ts";

describe("splitVersion", () => {
  test.each([
    ["/info", "1.51", "/info"],
    ["/v1.24/info", "1.24", "/info"],
    ["/v1.51/containers/json", "1.51", "/containers/json"],
    ["/v1.44/", "1.44", "/"],
    ["/v1.22/images/load", "1.24", "/images/load"],
    ["/v1.44", "1.51", "/v1.44"],
    ["/vx/info", "1.51", "/vx/info"],
    ["/v1.44.1/info", "1.51", "/v1.44.1/info"],
  ])("%s speaks %s and means %s", (given, version, path) => {
    const split = splitVersion(given);
    expect(formatApiVersion(split.version)).toBe(version);
    expect(split.path).toBe(path);
  });

  test.each([
    ["/v1.10/info", "client version 1.10 is too old. Minimum supported API version is 1.24, please upgrade"],
    ["/v1.22/info", "client version 1.22 is too old."],
    ["/v1.23/images/load", "client version 1.23 is too old."],
    ["/v0.99/info", "client version 0.99 is too old."],
    ["/v1.52/info", "client version 1.52 is too new. Maximum supported API version is 1.51"],
    ["/v2.0/info", "client version 2.0 is too new."],
  ])("%s is refused", (given, message) => {
    expect(() => splitVersion(given)).toThrow(message);
  });
});

test("since compares numbers, not text", () => {
  expect(since({ major: 1, minor: 100 }, 42)).toBe(true);
  expect(since({ major: 1, minor: 41 }, 42)).toBe(false);
  expect(since({ major: 1, minor: 42 }, 42)).toBe(true);
});
