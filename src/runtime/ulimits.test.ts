import { describe, expect, test } from "bun:test";
import { limitToHost, readHardLimits, rlimitsOf } from "./ulimits.ts";

describe("ulimits", () => {
  test("become resource limits, the later of two with one name", () => {
    expect(
      rlimitsOf([
        { Name: "nofile", Soft: 1, Hard: 2 },
        { Name: "core", Soft: -1, Hard: -1 },
        { Name: "nofile", Soft: 100, Hard: 200 },
      ]),
    ).toEqual([
      { type: "RLIMIT_NOFILE", soft: 100, hard: 200 },
      { type: "RLIMIT_CORE", soft: -1, hard: -1 },
    ]);
  });

  test.each([
    [{ Name: "foo", Soft: 1, Hard: 1 }, "invalid ulimit type: foo"],
    [{ Name: "toString", Soft: 1, Hard: 1 }, "invalid ulimit type: toString"],
    [{ Name: "nofile", Soft: 5, Hard: 3 }, "ulimit soft limit must be less than or equal to hard limit: 5 > 3"],
    [{ Name: "nofile", Soft: -1, Hard: 3 }, "ulimit soft limit must be less than or equal to hard limit: -1 > 3"],
  ])("%p is refused", (ulimit, message) => {
    expect(() => rlimitsOf([ulimit])).toThrow(message);
  });
});

describe("the machine's own limits", () => {
  const hard = readHardLimits(
    [
      "Limit                     Soft Limit           Hard Limit           Units     ",
      "Max cpu time              unlimited            unlimited            seconds   ",
      "Max open files            1024                 524288               files     ",
      "Max nice priority         0                    0                    ",
    ].join("\n"),
  );

  test("are read by name", () => {
    expect(hard.get("RLIMIT_NOFILE")).toBe(524288);
    expect(hard.get("RLIMIT_CPU")).toBe(-1);
    expect(hard.get("RLIMIT_NICE")).toBe(0);
  });

  test("lower what is above them, with a warning", () => {
    const { rlimits, warnings } = limitToHost(
      [
        { type: "RLIMIT_NOFILE", soft: 100, hard: -1 },
        { type: "RLIMIT_CPU", soft: -1, hard: -1 },
      ],
      hard,
    );
    expect(rlimits).toEqual([
      { type: "RLIMIT_NOFILE", soft: 100, hard: 524288 },
      { type: "RLIMIT_CPU", soft: -1, hard: -1 },
    ]);
    expect(warnings).toEqual([
      "RLIMIT_NOFILE of unlimited is more than the 524288 that this machine lets Lighter set (no CAP_SYS_RESOURCE). Limited to 524288.",
    ]);
  });
});
