import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LighterError } from "../base/errors.ts";
import { assertLocalDriver, parseDriverOptions, parseVolumeName } from "./create-volume.ts";

describe("a volume's name", () => {
  test.each(["ab", "a.b", "A-1_x", "0a", "a".repeat(255)])("may be %p", (name) => {
    expect(parseVolumeName(name)).toBe(name);
  });

  test.each([
    ["a/b", 'create a/b: "a/b" includes invalid characters for a local volume name'],
    [".x", 'create .x: ".x" includes invalid characters'],
    ["..", 'create ..: ".." includes invalid characters'],
    ["", 'create : "" includes invalid characters'],
    ["a\n", "includes invalid characters"],
    ["x", "create x: volume name is too short, names should be at least two alphanumeric characters"],
    ["a".repeat(256), "is longer than 255 bytes"],
  ])("may not be %p", (name, message) => {
    expect(() => parseVolumeName(name)).toThrow(message);
  });

  test("never leaves its directory", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          const name = parseVolumeName(text);
          expect(name).not.toContain("/");
          expect(name.startsWith(".")).toBe(false);
        } catch (error) {
          expect(error).toBeInstanceOf(LighterError);
        }
      }),
    );
  });
});

describe("the local driver", () => {
  test("is the only one, and may go unnamed", () => {
    assertLocalDriver("v", "");
    assertLocalDriver("v", "local");
    expect(() => assertLocalDriver("v", "nope")).toThrow(
      'create v: error looking up volume plugin nope: plugin "nope" not found',
    );
  });

  test("takes a file system to mount", () => {
    expect(parseDriverOptions("v", {})).toBeUndefined();
    expect(parseDriverOptions("v", { type: "tmpfs", device: "tmpfs", o: "size=1m,uid=1000" })).toEqual({
      type: "tmpfs",
      device: "tmpfs",
      options: ["size=1m", "uid=1000"],
    });
    expect(parseDriverOptions("v", { type: "none", device: "/srv" })).toEqual({
      type: "none",
      device: "/srv",
      options: [],
    });
  });

  test.each<[Record<string, string>, string]>([
    [{ foo: "bar" }, 'create v: invalid option: "foo"'],
    [{ type: "tmpfs" }, 'create v: missing required option: "device"'],
    [{ device: "tmpfs" }, 'create v: missing required option: "type"'],
    [{ o: "bind" }, 'create v: missing required option: "device"'],
  ])("refuses %j", (options, message) => {
    expect(() => parseDriverOptions("v", options)).toThrow(message);
  });
});
