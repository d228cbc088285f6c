import { expect, test } from "bun:test";
import { isAtLeast, parseKernelVersion, readHost } from "./host.ts";

test.each([
  ["6.18.44-fc-v595", { major: 6, minor: 18 }],
  ["5.4.0-generic", { major: 5, minor: 4 }],
  ["4.8", { major: 4, minor: 8 }],
  ["", { major: 0, minor: 0 }],
])("%p is kernel %j", (release, version) => {
  expect(parseKernelVersion(release)).toEqual(version);
});

test.each([
  [5, 12, true],
  [6, 0, true],
  [6, 18, true],
  [6, 19, false],
  [7, 0, false],
] as const)("kernel 6.18 is at least %i.%i: %p", (major, minor, isIt) => {
  expect(isAtLeast({ major: 6, minor: 18 }, major, minor)).toBe(isIt);
});

test("limits bind only a machine that may not raise them", () => {
  const host = readHost();
  expect(host.hardLimits.size === 0).toBe(host.capabilities.has("CAP_SYS_RESOURCE"));
  expect(host.maskedPaths).toContain("/proc/kcore");
});
