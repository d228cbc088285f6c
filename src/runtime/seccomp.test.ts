import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { LighterError } from "../base/errors.ts";
import { DEFAULT_CAPABILITIES, readBoundingSet } from "./capabilities.ts";
import type { Seccomp } from "./oci-spec.ts";
import {
  parseSeccompProfile,
  resolveSeccomp,
  type SeccompProfile,
  type SeccompSubject,
  seccompLines,
} from "./seccomp.ts";
import { DEFAULT_SECCOMP_PROFILE } from "./seccomp-profile.ts";

const subject = (capabilities: Iterable<string>, changes: Partial<SeccompSubject> = {}): SeccompSubject => ({
  capabilities: new Set(capabilities),
  kernel: { major: 6, minor: 1 },
  architecture: "amd64",
  ...changes,
});

/** What a policy says of each call, in an order that does not depend on how the profile groups them. */
function effects(policy: Seccomp): Record<string, string[]> {
  const byName: Record<string, Set<string>> = {};
  for (const { names, action, errnoRet, args } of policy.syscalls) {
    for (const name of names) {
      byName[name] ??= new Set();
      byName[name].add(JSON.stringify({ action, errnoRet, args }));
    }
  }
  return Object.fromEntries(
    Object.entries(byName)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, found]) => [name, [...found].sort()]),
  );
}

/** Docker's own file, which is not part of this project: beside the checkout, or where the variable says. */
const published =
  process.env.DOCKER_SECCOMP_PROFILE ?? join(import.meta.dir, "../../../shared/api/docker-seccomp-default.json");

describe("the default profile", () => {
  const all = [...readBoundingSet("CapBnd:\t000001ffffffffff")];
  const sets: [string, readonly string[]][] = [
    ["none", []],
    ["the default capabilities", DEFAULT_CAPABILITIES],
    ["all capabilities", all],
    ...all.map((name): [string, string[]] => [`default and ${name}`, [...DEFAULT_CAPABILITIES, name]]),
  ];
  // Where the published file is; a checkout alone has nothing to compare with.
  const kernels = existsSync(published) ? ["4.7", "6.18"] : [];
  for (const kernel of kernels) {
    test(`does with kernel ${kernel} what Docker's published one does, for every capability`, () => {
      const [major = 0, minor = 0] = kernel.split(".").map(Number);
      const theirs = parseSeccompProfile(readFileSync(published, "utf8"));
      for (const [title, capabilities] of sets) {
        const who = subject(capabilities, { kernel: { major, minor } });
        const [ours, expected] = [resolveSeccomp(DEFAULT_SECCOMP_PROFILE, who), resolveSeccomp(theirs, who)];
        expect({ title, effects: effects(ours) }).toEqual({ title, effects: effects(expected) });
        expect({ ...ours, syscalls: [] }).toEqual({ ...expected, syscalls: [] });
      }
    });
  }

  test("is one that its own parser accepts", () => {
    expect(parseSeccompProfile(JSON.stringify(DEFAULT_SECCOMP_PROFILE))).toEqual(DEFAULT_SECCOMP_PROFILE);
  });
});

describe("a profile's rules", () => {
  const rule = (changes: object): string =>
    seccompLines(
      resolveSeccomp(
        parseSeccompProfile(
          JSON.stringify({
            defaultAction: "SCMP_ACT_ERRNO",
            syscalls: [{ names: ["a"], action: "SCMP_ACT_ALLOW", ...changes }],
          }),
        ),
        subject(["CAP_KILL"]),
      ),
    )
      .split("\n")
      .slice(2, -1)
      .join("; ");

  test.each([
    [{}, "rule allow a"],
    [{ names: undefined, name: "old" }, "rule allow old"],
    [{ names: ["a", "b"], action: "SCMP_ACT_ERRNO" }, "rule errno:1 a; rule errno:1 b"],
    [{ action: "SCMP_ACT_ERRNO", errnoRet: 38 }, "rule errno:38 a"],
    [{ action: "SCMP_ACT_KILL_PROCESS" }, "rule kill_process a"],
    [{ args: [{ index: 1, value: 5, op: "SCMP_CMP_GE" }] }, "rule allow a 1 ge 5"],
    [{ args: [{ index: 0, value: 6, valueTwo: 2, op: "SCMP_CMP_MASKED_EQ" }] }, "rule allow a 0 masked_eq 6 2"],
    [
      {
        args: [
          { index: 0, value: 1, op: "SCMP_CMP_EQ" },
          { index: 1, value: 2, op: "SCMP_CMP_EQ" },
        ],
      },
      "rule allow a 0 eq 1 1 eq 2",
    ],
    [
      {
        args: [
          { index: 0, value: 1, op: "SCMP_CMP_EQ" },
          { index: 0, value: 2, op: "SCMP_CMP_EQ" },
        ],
      },
      "rule allow a 0 eq 1; rule allow a 0 eq 2",
    ],
    [{ includes: { caps: ["CAP_KILL"] } }, "rule allow a"],
    [{ includes: { caps: ["CAP_KILL", "CAP_CHOWN"] } }, ""],
    [{ excludes: { caps: ["CAP_KILL"] } }, ""],
    [{ includes: { arches: ["s390x"] } }, ""],
    [{ excludes: { arches: ["amd64"] } }, ""],
    [{ includes: { minKernel: "6.2" } }, ""],
    [{ includes: { minKernel: "6.1" } }, "rule allow a"],
    [{ excludes: { minKernel: "5.0" } }, ""],
  ])("%j becomes %p", (changes, lines) => {
    expect(rule(changes)).toBe(lines);
  });

  test("come after the architectures, the native one first", () => {
    expect(
      seccompLines(resolveSeccomp(DEFAULT_SECCOMP_PROFILE, subject([])))
        .split("\n")
        .slice(0, 4),
    ).toEqual(["default errno:1", "arch x86_64", "arch x86", "arch x32"]);
  });
});

describe("a profile that cannot be used", () => {
  test.each([
    ["{", "decoding seccomp profile failed: "],
    ["{}", "decoding seccomp profile failed: defaultAction: "],
    ['{"defaultAction":"SCMP_ACT_NOTIFY"}', "decoding seccomp profile failed: defaultAction: "],
    [
      '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a b"],"action":"SCMP_ACT_ALLOW"}]}',
      "decoding seccomp profile failed: syscalls.0.names.0: ",
    ],
    [
      '{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86"],"archMap":[{"architecture":"SCMP_ARCH_X86"}]}',
      "both 'architectures' and 'archMap' were specified in the seccomp profile, use either one or the other",
    ],
    [
      '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"name":"a","names":["b"],"action":"SCMP_ACT_ALLOW"}]}',
      "both 'name' and 'names' were specified in the seccomp profile, use either one or the other",
    ],
  ])("%s is refused with its place", (json, message) => {
    expect(() => parseSeccompProfile(json)).toThrow(message);
  });

  test("whatever the text, it is refused or gives lines of known words", () => {
    const profiles = fc.record({
      defaultAction: fc.constantFrom("SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "x"),
      syscalls: fc.array(
        fc.record({
          names: fc.array(fc.oneof(fc.string(), fc.constantFrom("read", "write"))),
          action: fc.constantFrom("SCMP_ACT_LOG", "SCMP_ACT_KILL"),
        }),
      ),
    });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          profiles.map((profile) => JSON.stringify(profile)),
        ),
        (json) => {
          let profile: SeccompProfile;
          try {
            profile = parseSeccompProfile(json);
          } catch (error) {
            expect(error).toBeInstanceOf(LighterError);
            return;
          }
          expect(seccompLines(resolveSeccomp(profile, subject([])))).toMatch(/^([a-z0-9_:A-Z ]+\n)+$/);
        },
      ),
    );
  });
});
