import { describe, expect, test } from "bun:test";
import { chooseManifest, fits, parsePlatform } from "./platform.ts";

describe("platforms", () => {
  const entry = (text: string) => {
    const [os = "", architecture = "", variant] = text.split("/");
    return { text, platform: { os, architecture, variant } };
  };
  test.each([
    ["linux/amd64", ["linux/arm64", "linux/amd64", "unknown/unknown"], "linux/amd64"],
    ["linux/arm64", ["linux/arm64/v8", "linux/arm/v7"], "linux/arm64/v8"],
    ["linux/arm/v7", ["linux/arm/v6", "linux/arm/v7", "linux/arm64"], "linux/arm/v7"],
    ["linux/arm/v6", ["linux/arm/v5", "linux/arm/v7"], "linux/arm/v5"],
    ["linux/arm64", ["linux/arm/v7"], "linux/arm/v7"],
    ["linux/amd64", ["windows/amd64", "unknown/unknown"], null],
    ["linux/amd64/v2", ["linux/amd64", "linux/amd64/v3"], "linux/amd64"],
  ])("%s out of %j", (wanted, offered, expected) => {
    const chosen = chooseManifest(offered.map(entry), parsePlatform(wanted));
    expect(chosen?.text ?? null).toBe(expected);
  });

  test.each([
    ["aarch64", { os: "linux", architecture: "arm64", variant: "" }],
    ["linux/x86_64", { os: "linux", architecture: "amd64", variant: "" }],
    ["linux/armhf", { os: "linux", architecture: "arm", variant: "" }],
    ["linux/armel", { os: "linux", architecture: "arm", variant: "v6" }],
  ])("%s", (text, expected) => {
    expect(parsePlatform(text)).toEqual(expected);
  });

  test("what is no platform is refused, and another one does not fit", () => {
    for (const text of ["", "a/b/c/d", "linux/am&d64", "linux/"])
      expect(() => parsePlatform(text)).toThrow("invalid argument");
    expect(fits(parsePlatform("linux/arm64"), parsePlatform("linux/amd64"))).toBe(false);
  });
});
