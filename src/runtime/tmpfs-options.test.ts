import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LighterError } from "../base/errors.ts";
import { tmpfsMountOptions, tmpfsOptionText } from "./tmpfs-options.ts";

describe("options of a tmpfs", () => {
  test.each([
    ["", "noexec,nosuid,nodev,rprivate"],
    ["ro", "noexec,nosuid,nodev,rprivate,ro"],
    ["size=5m,exec", "nosuid,nodev,rprivate,size=5m,exec"],
    ["rw,ro,size=1k,size=2k", "noexec,nosuid,nodev,rprivate,ro,size=2k"],
    ["mode=700,uid=5", "noexec,nosuid,nodev,rprivate,mode=700,uid=5"],
  ])("%p is %p", (text, options) => {
    expect(tmpfsMountOptions(text).join(",")).toBe(options);
  });

  test.each(["foo", "size", "size=", "bind", "remount", "constructor", ","])("%p is refused", (text) => {
    expect(() => tmpfsMountOptions(text)).toThrow('invalid tmpfs option ["');
  });

  test("any text becomes options or is refused", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          tmpfsMountOptions(text);
        } catch (error) {
          expect(error).toBeInstanceOf(LighterError);
        }
      }),
    );
  });

  test.each([
    [{ readonly: false, sizeBytes: 1048576, mode: 0, options: [] }, "size=1m"],
    [
      { readonly: true, sizeBytes: 1000, mode: 0o700, options: [["exec"], ["uid", "5"]] },
      "ro,mode=700,size=1000,exec,uid=5",
    ],
    [{ readonly: false, sizeBytes: 2 ** 31, mode: 0, options: [] }, "size=2g"],
  ])("a request becomes the text that --tmpfs takes", (request, text) => {
    expect(tmpfsOptionText(request)).toBe(text);
  });
});
