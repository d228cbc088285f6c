import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { checkResources, parseNumberList, type ResourceSettings } from "./resource-limits.ts";
import type { ResourceSupport } from "./resource-support.ts";
import { mergeUpdate } from "./resource-update.ts";
import { ociResources } from "./resources.ts";

const MB = 1024 * 1024;

const nothing: ResourceSettings = {
  CpuShares: 0,
  Memory: 0,
  NanoCpus: 0,
  BlkioWeight: 0,
  BlkioWeightDevice: [],
  BlkioDeviceReadBps: [],
  BlkioDeviceWriteBps: [],
  BlkioDeviceReadIOps: [],
  BlkioDeviceWriteIOps: [],
  CpuPeriod: 0,
  CpuQuota: 0,
  CpuRealtimePeriod: 0,
  CpuRealtimeRuntime: 0,
  CpusetCpus: "",
  CpusetMems: "",
  MemoryReservation: 0,
  MemorySwap: 0,
  MemorySwappiness: null,
  OomKillDisable: null,
  PidsLimit: null,
  CpuPercent: 0,
  IOMaximumIOps: 0,
  IOMaximumBandwidth: 0,
};

const full: ResourceSupport = {
  version: 1,
  files: new Set([
    "memory.limit_in_bytes",
    "memory.memsw.limit_in_bytes",
    "memory.swappiness",
    "memory.soft_limit_in_bytes",
    "memory.oom_control",
    "pids.max",
    "cpu.shares",
    "cpu.cfs_quota_us",
    "cpu.rt_runtime_us",
    "cpuset.cpus",
    "blkio.weight",
    "blkio.weight_device",
    "blkio.throttle.read_bps_device",
    "blkio.throttle.write_bps_device",
    "blkio.throttle.read_iops_device",
    "blkio.throttle.write_iops_device",
  ]),
  cpuCount: 2,
  cpus: "0-1",
  mems: "0",
};
const bare: ResourceSupport = { ...full, files: new Set() };

const check = (changes: Partial<ResourceSettings>, support = full, update = false) =>
  checkResources({ ...nothing, ...changes }, support, update);

describe("limits that are refused, in dockerd's words", () => {
  const refused: [Partial<ResourceSettings>, string][] = [
    [{ Memory: 4 * MB }, "Minimum memory limit allowed is 6MB"],
    [{ Memory: -5 }, "Minimum memory limit allowed is 6MB"],
    [{ Memory: 10 * MB, MemorySwap: 5 * MB }, "Minimum memoryswap limit should be larger than memory limit, see usage"],
    [{ MemorySwap: 5 * MB }, "You should always set the Memory limit when using Memoryswap limit, see usage"],
    [{ MemorySwappiness: 200 }, "Invalid value: 200, valid memory swappiness range is 0-100"],
    [{ MemoryReservation: MB }, "Minimum memory reservation allowed is 6MB"],
    [
      { Memory: 10 * MB, MemoryReservation: 20 * MB },
      "Minimum memory limit can not be less than memory reservation limit, see usage",
    ],
    [{ NanoCpus: 5e9 }, "range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available"],
    [{ NanoCpus: 1e6 }, "range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available"],
    [{ NanoCpus: 1e9, CpuQuota: 1000 }, "Conflicting options: Nano CPUs and CPU Quota cannot both be set"],
    [{ NanoCpus: 1e9, CpuPeriod: 1000 }, "Conflicting options: Nano CPUs and CPU Period cannot both be set"],
    [{ CpuPeriod: 10 }, "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)"],
    [{ CpuQuota: 10 }, "CPU cfs quota can not be less than 1ms (i.e. 1000)"],
    [{ CpuShares: 1 }, "the minimum allowed cpu-shares is 2"],
    [{ CpuShares: 262145 }, "the maximum allowed cpu-shares is 262144"],
    [{ CpusetCpus: "9" }, "Requested CPUs are not available - requested 9, available: 0-1"],
    [{ CpusetCpus: "a" }, "Invalid value a for cpuset cpus: invalid format: a"],
    [{ CpusetMems: "4" }, "Requested memory nodes are not available - requested 4, available: 0"],
    [{ BlkioWeight: 5 }, "Range of blkio weight is from 10 to 1000"],
    [
      { CpuRealtimeRuntime: 5, CpuRealtimePeriod: 2 },
      "cpu real-time runtime cannot be higher than cpu real-time period",
    ],
    [{ IOMaximumIOps: 1 }, "Invalid QoS settings: linux does not support Maximum IO Bandwidth or Maximum IO IOps"],
  ];
  test.each(refused)("%j", (changes, message) => {
    expect(() => check(changes)).toThrow(message);
  });
});

describe("limits that are completed", () => {
  test("swap is as much as memory again", () => {
    expect(check({ Memory: 64 * MB }).resources.MemorySwap).toBe(128 * MB);
    expect(check({ Memory: 64 * MB, MemorySwap: -1 }).resources.MemorySwap).toBe(-1);
  });
  test("but not by an update, which may name one of the two", () => {
    expect(check({ Memory: 64 * MB }, full, true).resources.MemorySwap).toBe(0);
    expect(check({ MemorySwap: 64 * MB }, full, true).resources.MemorySwap).toBe(64 * MB);
  });
  test("a swappiness of -1 is none", () => {
    expect(check({ MemorySwappiness: -1 }).resources.MemorySwappiness).toBeNull();
  });
});

describe("limits that the machine lacks are discarded with dockerd's warning", () => {
  const rate = [{ Path: "/dev/vda", Rate: 1 }];
  const lacking: [Partial<ResourceSettings>, Partial<ResourceSettings>, string][] = [
    [
      { Memory: 64 * MB },
      { Memory: 0, MemorySwap: -1 },
      "Your kernel does not support memory limit capabilities or the cgroup is not mounted. Limitation discarded.",
    ],
    [
      { PidsLimit: 5 },
      { PidsLimit: null },
      "Your kernel does not support PIDs limit capabilities or the cgroup is not mounted. PIDs limit discarded.",
    ],
    [
      { BlkioWeight: 300 },
      { BlkioWeight: 0 },
      "Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.",
    ],
    [
      { CpusetCpus: "0" },
      { CpusetCpus: "" },
      "Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.",
    ],
    [
      { BlkioDeviceReadIOps: rate },
      { BlkioDeviceReadIOps: [] },
      "Your kernel does not support IOPS Block read limit or the cgroup is not mounted. Block I/O IOPS read limit discarded.",
    ],
    [
      { OomKillDisable: true },
      { OomKillDisable: null },
      "Your kernel does not support OomKillDisable. OomKillDisable discarded.",
    ],
  ];
  test.each(lacking)("%j", (changes, left, warning) => {
    const { resources, warnings } = check(changes, bare);
    expect(warnings).toEqual([warning]);
    expect(resources).toMatchObject(left);
  });

  test("swap alone is lost where only memory can be limited", () => {
    const { resources, warnings } = check({ Memory: 64 * MB }, { ...full, files: new Set(["memory.limit_in_bytes"]) });
    expect(resources).toMatchObject({ Memory: 64 * MB, MemorySwap: -1 });
    expect(warnings).toEqual([
      "Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.",
    ]);
  });

  test("a number of processors is not discarded but refused", () => {
    expect(() => check({ NanoCpus: 1e9 }, bare)).toThrow("NanoCPUs can not be set");
  });

  test("nothing asked, nothing said", () => {
    expect(check({}, bare).warnings).toEqual([]);
  });

  test("a container that cannot be killed for memory it may take without limit is warned of", () => {
    expect(check({ OomKillDisable: true }).warnings).toHaveLength(1);
    expect(check({ OomKillDisable: true, Memory: 64 * MB }).warnings).toEqual([]);
  });
});

describe("number lists", () => {
  test("are numbers and ranges", () => {
    expect([...(parseNumberList("0-2,7") ?? [])]).toEqual([0, 1, 2, 7]);
    expect(parseNumberList("")?.size).toBe(0);
  });
  test.each(["a", "1-", "-1", "3-1", "1,,2", "0-99999", "1 "])("%p is none", (text) => {
    expect(parseNumberList(text)).toBeUndefined();
  });
  test("any text is a list of bounded length or none", () => {
    fc.assert(fc.property(fc.string(), (text) => (parseNumberList(text)?.size ?? 0) <= 8192));
  });
});

describe("limits in the terms of the runtime spec", () => {
  const cases: [Partial<ResourceSettings>, object][] = [
    [{}, { memory: {}, cpu: {}, blockIO: {} }],
    [{ NanoCpus: 5e8 }, { memory: {}, cpu: { period: 100000, quota: 50000 }, blockIO: {} }],
    [{ PidsLimit: 0 }, { memory: {}, cpu: {}, pids: { limit: -1 }, blockIO: {} }],
    [
      {
        Memory: 64 * MB,
        MemorySwap: 128 * MB,
        MemoryReservation: 32 * MB,
        PidsLimit: 99,
        CpuShares: 512,
        CpusetCpus: "0",
      },
      {
        memory: { limit: 67108864, reservation: 33554432, swap: 134217728 },
        cpu: { shares: 512, cpus: "0" },
        pids: { limit: 99 },
        blockIO: {},
      },
    ],
    [
      { BlkioDeviceWriteBps: [{ Path: "/dev/null", Rate: 1048576 }] },
      { memory: {}, cpu: {}, blockIO: { throttleWriteBpsDevice: [{ major: 1, minor: 3, rate: 1048576 }] } },
    ],
  ];
  test.each(cases)("%j", async (changes, expected) => {
    expect(await ociResources({ ...nothing, ...changes })).toEqual(expected);
  });
});

describe("an update", () => {
  const current = { ...nothing, Memory: 64 * MB, MemorySwap: 128 * MB, CpuShares: 5 };
  test("changes what it names", () => {
    expect(mergeUpdate(current, { Memory: 100 * MB, CpuShares: 0, CpusetCpus: "" })).toEqual({
      ...current,
      Memory: 100 * MB,
    });
  });
  test.each([
    [
      current,
      { Memory: 200 * MB },
      "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time",
    ],
    [
      { ...nothing, CpuPeriod: 1000 },
      { NanoCpus: 1e9 },
      "Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set",
    ],
    [
      { ...nothing, NanoCpus: 1e9 },
      { CpuQuota: 5000 },
      "Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set",
    ],
  ])("is refused where old and new conflict", (before, requested, message) => {
    expect(() => mergeUpdate(before, requested)).toThrow(message);
  });
});
