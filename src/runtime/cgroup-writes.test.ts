import { describe, expect, test } from "bun:test";
import { orderMemory } from "./cgroup-update.ts";
import { cgroupWrites, cpuWeight, ioWeight } from "./cgroup-writes.ts";
import { DEFAULT_DEVICE_RULES } from "./devices.ts";
import type { Resources } from "./oci-spec.ts";

const lines = (resources: Resources, version: 1 | 2, files: string[] = []): string[] =>
  cgroupWrites(resources, { version, files: new Set(files) }).map(
    ({ controller, file, value }) => `${controller} ${file}=${value}`,
  );

const limits: Resources = {
  memory: { limit: 67108864, swap: 134217728, reservation: 33554432 },
  cpu: { shares: 512, quota: 50000, period: 100000, cpus: "0", mems: "0" },
  pids: { limit: 99 },
  blockIO: {
    weight: 300,
    weightDevice: [{ major: 254, minor: 0, weight: 10 }],
    throttleWriteBpsDevice: [{ major: 254, minor: 0, rate: 1048576 }],
    throttleReadIOPSDevice: [{ major: 254, minor: 0, rate: 50 }],
  },
};

describe("limits on v1", () => {
  test("memory goes before memory and swap, the period before the quota", () => {
    expect(lines(limits, 1, ["blkio.weight"])).toEqual([
      "memory memory.limit_in_bytes=67108864",
      "memory memory.memsw.limit_in_bytes=134217728",
      "memory memory.soft_limit_in_bytes=33554432",
      "cpu cpu.shares=512",
      "cpu cpu.cfs_period_us=100000",
      "cpu cpu.cfs_quota_us=50000",
      "cpuset cpuset.cpus=0",
      "cpuset cpuset.mems=0",
      "blkio blkio.weight=300",
      "blkio blkio.weight_device=254:0 10",
      "blkio blkio.throttle.write_bps_device=254:0 1048576",
      "blkio blkio.throttle.read_iops_device=254:0 50",
      "pids pids.max=99",
    ]);
  });

  test("weights go to the scheduler that there is", () => {
    expect(lines({ blockIO: { weight: 300 } }, 1, ["blkio.bfq.weight"])).toEqual(["blkio blkio.bfq.weight=300"]);
  });

  test("devices are denied, then allowed one by one", () => {
    const written = lines({ devices: DEFAULT_DEVICE_RULES }, 1);
    expect(written.slice(0, 4)).toEqual([
      "devices devices.deny=a",
      "devices devices.allow=c *:* m",
      "devices devices.allow=b *:* m",
      "devices devices.allow=c 1:3 rwm",
    ]);
    expect(written.at(-1)).toBe("devices devices.allow=c 136:* rwm");
  });

  test("a privileged container keeps what its parent may", () => {
    expect(lines({ devices: [{ allow: true, type: "a", access: "rwm" }] }, 1)).toEqual([]);
  });

  test("no limit is told as such", () => {
    expect(lines({ pids: { limit: -1 }, memory: { swap: -1, disableOOMKiller: true, swappiness: 0 } }, 1)).toEqual([
      "memory memory.memsw.limit_in_bytes=-1",
      "memory memory.swappiness=0",
      "memory memory.oom_control=1",
      "pids pids.max=max",
    ]);
  });
});

describe("limits on v2", () => {
  test("are converted", () => {
    expect(lines(limits, 2)).toEqual([
      "unified memory.max=67108864",
      "unified memory.swap.max=67108864",
      "unified memory.low=33554432",
      "unified cpu.weight=20",
      "unified cpu.max=50000 100000",
      "unified cpuset.cpus=0",
      "unified cpuset.mems=0",
      "unified pids.max=99",
      "unified io.weight=2930",
      "unified io.weight=254:0 1",
      "unified io.max=254:0 wbps=1048576",
      "unified io.max=254:0 riops=50",
    ]);
  });

  test.each([
    [{ memory: { limit: 10, swap: 10 } }, ["unified memory.max=10", "unified memory.swap.max=0"]],
    [{ memory: { limit: 10, swap: -1 } }, ["unified memory.max=10", "unified memory.swap.max=max"]],
    [{ cpu: { quota: -1 } }, ["unified cpu.max=max 100000"]],
    [{ cpu: { period: 5000 } }, ["unified cpu.max=max 5000"]],
    [{ pids: { limit: -1 } }, ["unified pids.max=max"]],
    [{ unified: { "memory.high": "5" } }, ["unified memory.high=5"]],
    [{ devices: DEFAULT_DEVICE_RULES }, []],
  ])("%j", (resources, expected) => {
    expect(lines(resources, 2)).toEqual(expected);
  });

  test("BFQ keeps its range of weights", () => {
    expect(lines({ blockIO: { weight: 300 } }, 2, ["io.bfq.weight"])).toEqual(["unified io.bfq.weight=300"]);
  });

  test("the ends of the ranges meet", () => {
    expect([2, 1024, 262144].map(cpuWeight)).toEqual([1, 39, 10000]);
    expect([10, 1000].map(ioWeight)).toEqual([1, 10000]);
  });
});

describe("an update of memory and swap", () => {
  const writes = cgroupWrites({ memory: { limit: 100, swap: 200 } }, { version: 1, files: new Set() });
  const order = (currentBytes: number): string[] => orderMemory(writes, currentBytes).map(({ file }) => file);

  test("raises the sum first when memory rises above it", () => {
    expect(order(50)).toEqual(["memory.memsw.limit_in_bytes", "memory.limit_in_bytes"]);
  });
  test("lowers memory first", () => {
    expect(order(500)).toEqual(["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"]);
  });
});
