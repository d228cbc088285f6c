import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LighterError } from "../base/errors.ts";
import { blockDeviceNumber, parseDeviceRule, resolveDevices, splitDeviceNumber } from "./devices.ts";

const mapped = (host: string, container = host, permissions = "rwm") =>
  resolveDevices({
    privileged: false,
    mappings: [{ PathOnHost: host, PathInContainer: container, CgroupPermissions: permissions }],
    cgroupRules: [],
  });

describe("a mapped device", () => {
  test("keeps number, mode and owner under its new name", async () => {
    expect(await mapped("/dev/null", "/dev/mynull", "r")).toEqual({
      nodes: [{ path: "/dev/mynull", type: "c", major: 1, minor: 3, fileMode: 0o666, uid: 0, gid: 0 }],
      rules: [{ allow: true, type: "c", major: 1, minor: 3, access: "r" }],
    });
  });

  test("is followed through a symbolic link", async () => {
    const { nodes } = await mapped("/dev/../dev/./zero", "/dev/z");
    expect(nodes).toMatchObject([{ path: "/dev/z", major: 1, minor: 5 }]);
  });

  test("may be a directory of devices", async () => {
    const { nodes, rules } = await mapped("/dev/net", "/dev/other");
    expect(nodes).toMatchObject([{ path: "/dev/other/tun", major: 10, minor: 200 }]);
    expect(rules).toHaveLength(1);
  });

  test.each([
    ["/dev/nope", "rwm", 'error gathering device information while adding custom device "/dev/nope": no such file'],
    ["/etc/passwd", "rwm", "not a device node"],
    ["/etc/ssl", "rwm", "not a device node"],
    ["/dev/null", "q", "bad mode specified: q"],
    ["/dev/null", "rr", "bad mode specified: rr"],
  ])("%s:%s is refused", async (path, permissions, message) => {
    await expect(mapped(path, path, permissions)).rejects.toThrow(message);
  });
});

describe("a privileged container", () => {
  test("has the host's devices without terminals, and mappings under other names", async () => {
    const { nodes, rules } = await resolveDevices({
      privileged: true,
      mappings: [
        { PathOnHost: "/dev/null", PathInContainer: "/dev/null", CgroupPermissions: "rwm" },
        { PathOnHost: "/dev/null", PathInContainer: "/dev/void", CgroupPermissions: "r" },
      ],
      cgroupRules: [],
    });
    const paths = nodes.map((node) => node.path);
    expect(paths).toContain("/dev/null");
    expect(paths).toContain("/dev/net/tun");
    expect(paths.at(-1)).toBe("/dev/void");
    expect(paths.filter((path) => path.startsWith("/dev/pts") || path === "/dev/console")).toEqual([]);
    expect(rules).toEqual([]);
  });
});

describe("a device cgroup rule", () => {
  test.each([
    ["c 42:* rwm", { allow: true, type: "c", major: 42, minor: undefined, access: "rwm" }],
    ["a *:* r", { allow: true, type: "a", major: undefined, minor: undefined, access: "r" }],
    ["b 8:1 rw", { allow: true, type: "b", major: 8, minor: 1, access: "rw" }],
  ] as const)("%s", (text, rule) => {
    expect(parseDeviceRule(text)).toEqual(rule);
  });

  test.each(["x 1:3 r", "c 1:3", "c 1:3 rwx", "c 1 r", " c 1:3 r", "c 1:99999999999 r", "c 1:3 r\nc 1:5 r"])(
    "%p is refused",
    (text) => {
      expect(() => parseDeviceRule(text)).toThrow("invalid device cgroup rule format: '");
    },
  );

  test("any text is a rule or refused", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseDeviceRule(text);
        } catch (error) {
          expect(error).toBeInstanceOf(LighterError);
        }
      }),
    );
  });
});

test("device numbers beyond eight bits are split as makedev(3) joins them", () => {
  expect(splitDeviceNumber(0x801n)).toEqual({ major: 8, minor: 1 });
  expect(splitDeviceNumber(0x1000_0010_0203n)).toEqual({ major: 0x1002, minor: 0x103 });
});

test("a missing block device is told as Docker tells it", async () => {
  await expect(blockDeviceNumber("/dev/nope")).rejects.toThrow("stat /dev/nope: no such file or directory");
});
