import { describe, expect, test } from "bun:test";
import {
  type Capability,
  containerCapabilities,
  DEFAULT_CAPABILITIES,
  normalizeCapabilities,
  readBoundingSet,
} from "./capabilities.ts";

const everything = readBoundingSet("CapBnd:\t000001ffffffffff\n");
const without = (...names: Capability[]): ReadonlySet<Capability> =>
  new Set([...everything].filter((name) => !names.includes(name)));
const resolve = (add: string[], drop: string[], available = everything): Capability[] =>
  containerCapabilities({ privileged: false, add, drop }, available);

describe("a container's capabilities", () => {
  test("are Docker's fourteen when nothing is asked", () => {
    expect(resolve([], [])).toHaveLength(14);
    expect(resolve([], [])).toEqual([...DEFAULT_CAPABILITIES]);
  });

  const cases: { add: string[]; drop: string[]; has: Capability[]; lacks: Capability[]; count: number }[] = [
    { add: ["sys_admin"], drop: [], has: ["CAP_SYS_ADMIN", "CAP_CHOWN"], lacks: [], count: 15 },
    { add: ["CAP_NET_ADMIN"], drop: ["cap_mknod"], has: ["CAP_NET_ADMIN"], lacks: ["CAP_MKNOD"], count: 14 },
    { add: [], drop: ["ALL"], has: [], lacks: ["CAP_CHOWN"], count: 0 },
    { add: ["CHOWN"], drop: ["all"], has: ["CAP_CHOWN"], lacks: ["CAP_KILL"], count: 1 },
    { add: ["ALL"], drop: ["SYS_ADMIN"], has: ["CAP_BPF"], lacks: ["CAP_SYS_ADMIN"], count: 40 },
    { add: ["CHOWN"], drop: ["CHOWN"], has: ["CAP_CHOWN"], lacks: [], count: 14 },
  ];
  test.each(cases)("add $add, drop $drop: $count", ({ add, drop, has, lacks, count }) => {
    const result = resolve(add, drop);
    expect(result).toHaveLength(count);
    expect(result).toEqual(expect.arrayContaining(has));
    for (const name of lacks) expect(result).not.toContain(name);
  });

  test("ALL and privileged mean what the host has", () => {
    const host = without("CAP_SYS_RESOURCE");
    expect(resolve(["ALL"], [], host)).toEqual([...host]);
    expect(containerCapabilities({ privileged: true, add: [], drop: ["ALL"] }, host)).toEqual([...host]);
  });

  test("a default that the host lacks is left out; one asked for by name is refused", () => {
    expect(resolve([], [], without("CAP_MKNOD"))).toHaveLength(13);
    expect(() => resolve(["SYS_RESOURCE"], [], without("CAP_SYS_RESOURCE"))).toThrow(
      'invalid CapAdd: capability not supported by your kernel or not available in the current environment: "CAP_SYS_RESOURCE"',
    );
  });

  test.each([
    ["CapAdd", "FOO", 'invalid CapAdd: unknown capability: "CAP_FOO"'],
    ["CapDrop", "cap_bar", 'invalid CapDrop: unknown capability: "CAP_BAR"'],
    ["CapAdd", "", 'invalid CapAdd: unknown capability: "CAP_"'],
  ] as const)("%s %p is refused in Docker's words", (field, name, message) => {
    expect(() => normalizeCapabilities([name], field)).toThrow(message);
  });
});
