import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { cgroupDirectory, readCgroupLayout } from "./cgroup.ts";

const noControllers = (): string => "";

describe("the layout of control groups", () => {
  test("a hybrid uses its v1 controllers", () => {
    const layout = readCgroupLayout(
      [
        "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755",
        "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct",
        "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory",
        "40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,release_agent=/lib/agent,name=systemd",
        "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw",
      ].join("\n"),
      noControllers,
    );
    expect(layout.version).toBe(1);
    expect(Object.fromEntries(layout.trees)).toEqual({
      cpu: "/sys/fs/cgroup/cpu,cpuacct",
      cpuacct: "/sys/fs/cgroup/cpu,cpuacct",
      memory: "/sys/fs/cgroup/memory",
      systemd: "/sys/fs/cgroup/systemd",
      unified: "/sys/fs/cgroup/unified",
    });
  });

  test("a unified tree offers what it lists", () => {
    const layout = readCgroupLayout(
      "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate",
      () => "cpu memory pids\n",
    );
    expect(layout.version).toBe(2);
    expect([...layout.trees.keys()].sort()).toEqual(["cpu", "devices", "freezer", "memory", "pids", "unified"]);
  });

  test("a v2 tree beside systemd's bare v1 tree is still v2", () => {
    const layout = readCgroupLayout(
      [
        "30 23 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw",
        "31 23 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd",
      ].join("\n"),
      () => "memory",
    );
    expect(layout.version).toBe(2);
  });

  test("blanks in a mount point are restored", () => {
    const layout = readCgroupLayout("30 23 0:26 / /my\\040groups rw - cgroup cgroup rw,pids", noControllers);
    expect(layout.trees.get("pids")).toBe("/my groups");
  });

  test("any text is read without failing", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(readCgroupLayout(text, noControllers).version).toBeOneOf([1, 2]);
      }),
    );
  });
});

describe("a group's directory", () => {
  const layout = readCgroupLayout("30 23 0:26 / /cg rw - cgroup cgroup rw,pids", noControllers);
  test("lies in the controller's tree", () => {
    expect(cgroupDirectory(layout, "pids", "/lighter/abc")).toBe("/cg/lighter/abc");
  });
  test("is none for a controller that is not there, nor outside of the tree", () => {
    expect(cgroupDirectory(layout, "memory", "/lighter/abc")).toBeUndefined();
    expect(cgroupDirectory(layout, "pids", "/lighter/../../etc")).toBeUndefined();
  });
});
