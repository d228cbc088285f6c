import { describe, expect, test } from "bun:test";
import { parseSecurityOptions } from "./security-options.ts";

describe("security options", () => {
  test("none are the defaults", () => {
    expect(parseSecurityOptions([])).toEqual({
      noNewPrivileges: false,
      seccomp: { kind: "default" },
      apparmor: null,
      labels: [],
      systemPathsUnconfined: false,
    });
  });

  test.each([
    ["no-new-privileges", { noNewPrivileges: true }],
    ["no-new-privileges=false", { noNewPrivileges: false }],
    ["no-new-privileges:true", { noNewPrivileges: true }],
    ["seccomp=unconfined", { seccomp: { kind: "unconfined" } }],
    ["seccomp:unconfined", { seccomp: { kind: "unconfined" } }],
    ["seccomp=builtin", { seccomp: { kind: "default" } }],
    [
      'seccomp={"defaultAction":"SCMP_ACT_ALLOW"}',
      { seccomp: { kind: "custom", json: '{"defaultAction":"SCMP_ACT_ALLOW"}' } },
    ],
    ["apparmor=unconfined", { apparmor: "unconfined" }],
    ["label=type:svirt_t", { labels: ["type:svirt_t"] }],
    ["disable", { labels: ["disable"] }],
    ["systempaths=unconfined", { systemPathsUnconfined: true }],
  ])("%s", (option, expected) => {
    expect(parseSecurityOptions([option])).toMatchObject(expected);
  });

  test.each([
    ["foo", 'invalid --security-opt 1: "foo"'],
    ["foo=1", 'invalid --security-opt 2: "foo=1"'],
    ["no-new-privileges=x", 'invalid --security-opt 2: "no-new-privileges=x"'],
    ["systempaths=all", 'invalid --security-opt 2: "systempaths=all"'],
  ])("%s is refused", (option, message) => {
    expect(() => parseSecurityOptions([option])).toThrow(message);
  });
});
