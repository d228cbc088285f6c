import { expect, test } from "bun:test";
import { hostPlatform, parsePlatform } from "../image/platform.ts";
import { platformWarnings, requirePlatform } from "./image-platform.ts";

const image = (os: string, architecture: string, variant?: string) => ({
  config: { os, architecture, variant, rootfs: { type: "layers" as const, diff_ids: [] } },
});

test.each([
  ["linux/amd64", "linux", "amd64", undefined],
  ["amd64", "linux", "amd64", undefined],
  ["linux/arm64/v8", "linux", "arm64", undefined],
  ["linux/arm/v7", "linux", "arm", "v6"],
])("%s is met by an image for %s/%s %s", (wanted, os, architecture, variant) => {
  expect(() => requirePlatform(image(os, architecture, variant), "app", parsePlatform(wanted))).not.toThrow();
});

test.each([
  ["linux/arm64", "linux", "amd64", undefined, "(linux/amd64) does not match the specified platform (linux/arm64)"],
  ["linux/arm64", "linux", "arm", "v7", "(linux/arm/v7) does not match"],
  ["linux/arm/v6", "linux", "arm", "v7", "(linux/arm/v7) does not match the specified platform (linux/arm/v6)"],
  ["windows/amd64", "linux", "amd64", undefined, "(linux/amd64) does not match the specified platform (windows/amd64)"],
])("%s is not met by an image for %s/%s %s, in Docker's words", (wanted, os, architecture, variant, expected) => {
  const asked = () => requirePlatform(image(os, architecture, variant), "app", parsePlatform(wanted));
  expect(asked).toThrow(`image with reference app was found but its platform ${expected}`);
});

test("an image of another architecture is warned of where nobody asked for it", () => {
  const { os, architecture } = hostPlatform();
  expect(platformWarnings(image(os, architecture))).toEqual([]);
  expect(platformWarnings(image("linux", "s390x"))).toEqual([
    `The requested image's platform (linux/s390x) does not match the detected host platform (${os}/${architecture}) and no specific platform was requested`,
  ]);
});
