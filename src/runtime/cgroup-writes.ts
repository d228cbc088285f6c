import { type CgroupWrite, UNIFIED } from "./cgroup.ts";
import type {
  BlockIOResources,
  CpuResources,
  DeviceRule,
  MemoryResources,
  Resources,
  ThrottleDevice,
} from "./oci-spec.ts";
import type { ResourceSupport } from "./resource-support.ts";

type Support = Pick<ResourceSupport, "version" | "files">;

/**
 * The values to write into a new group, in an order that the kernel takes: the memory limit before that of memory and
 * swap, which may not be less, and the period before the quota. Device rules are files on v1 alone; on v2 they are an
 * eBPF program, which the shim makes from the spec.
 */
export function cgroupWrites(resources: Resources, support: Support): CgroupWrite[] {
  if (support.version === 2) return unifiedWrites(resources, support);
  return [
    ...deviceWrites(resources.devices ?? []),
    ...memoryWrites(resources.memory ?? {}),
    ...cpuWrites(resources.cpu ?? {}),
    ...blockIOWrites(resources.blockIO ?? {}, support),
    ...(resources.pids ? [write("pids", "pids.max", limitWord(resources.pids.limit))] : []),
  ];
}

function write(controller: string, file: string, value: number | string): CgroupWrite {
  return { controller, file, value: String(value) };
}

function writeIf(controller: string, file: string, value: number | string | undefined): CgroupWrite[] {
  return value === undefined ? [] : [write(controller, file, value)];
}

function limitWord(limit: number): number | string {
  return limit < 0 ? "max" : limit;
}

/** Devices cgroup, kernel's admin-guide/cgroup-v1/devices: a group begins with what its parent may do. */
function deviceWrites(rules: readonly DeviceRule[]): CgroupWrite[] {
  return rules
    .filter((rule, index) => !(index === 0 && rule.allow && rule.type === "a"))
    .map((rule) => {
      const numbers = `${rule.major ?? "*"}:${rule.minor ?? "*"}`;
      return write(
        "devices",
        rule.allow ? "devices.allow" : "devices.deny",
        rule.type === "a" ? "a" : `${rule.type} ${numbers} ${rule.access}`,
      );
    });
}

function memoryWrites(memory: MemoryResources): CgroupWrite[] {
  return [
    ...writeIf("memory", "memory.limit_in_bytes", memory.limit),
    ...writeIf("memory", "memory.memsw.limit_in_bytes", memory.swap),
    ...writeIf("memory", "memory.soft_limit_in_bytes", memory.reservation),
    ...writeIf("memory", "memory.swappiness", memory.swappiness),
    ...(memory.disableOOMKiller ? [write("memory", "memory.oom_control", 1)] : []),
  ];
}

function cpuWrites(cpu: CpuResources): CgroupWrite[] {
  return [
    ...writeIf("cpu", "cpu.shares", cpu.shares),
    ...writeIf("cpu", "cpu.rt_period_us", cpu.realtimePeriod),
    ...writeIf("cpu", "cpu.rt_runtime_us", cpu.realtimeRuntime),
    ...writeIf("cpu", "cpu.cfs_period_us", cpu.period),
    ...writeIf("cpu", "cpu.cfs_quota_us", cpu.quota),
    ...writeIf("cpuset", "cpuset.cpus", cpu.cpus),
    ...writeIf("cpuset", "cpuset.mems", cpu.mems),
  ];
}

function blockIOWrites(io: BlockIOResources, { files }: Support): CgroupWrite[] {
  // Which one there is depends on the scheduler that the kernel was built with.
  const weight = files.has("blkio.weight") ? "blkio.weight" : "blkio.bfq.weight";
  const throttles = (file: string, devices: readonly ThrottleDevice[] = []): CgroupWrite[] =>
    devices.map(({ major, minor, rate }) => write("blkio", `blkio.throttle.${file}`, `${major}:${minor} ${rate}`));
  return [
    ...writeIf("blkio", weight, io.weight),
    ...(io.weightDevice ?? []).map((device) =>
      write("blkio", `${weight}_device`, `${device.major}:${device.minor} ${device.weight}`),
    ),
    ...throttles("read_bps_device", io.throttleReadBpsDevice),
    ...throttles("write_bps_device", io.throttleWriteBpsDevice),
    ...throttles("read_iops_device", io.throttleReadIOPSDevice),
    ...throttles("write_iops_device", io.throttleWriteIOPSDevice),
  ];
}

/** The same limits in the terms of v2, converted as runc and crun do (kernel's admin-guide/cgroup-v2). */
function unifiedWrites(resources: Resources, support: Support): CgroupWrite[] {
  const { memory = {}, cpu = {}, blockIO = {}, pids, unified = {} } = resources;
  const unifiedWrite = (file: string, value: number | string | undefined): CgroupWrite[] =>
    writeIf(UNIFIED, file, value);
  return [
    ...unifiedWrite("memory.max", memory.limit === undefined ? undefined : limitWord(memory.limit)),
    ...unifiedWrite("memory.swap.max", swapAlone(memory)),
    ...unifiedWrite("memory.low", memory.reservation),
    ...unifiedWrite("cpu.weight", cpu.shares === undefined ? undefined : cpuWeight(cpu.shares)),
    ...unifiedWrite("cpu.max", cpuMaximum(cpu)),
    ...unifiedWrite("cpuset.cpus", cpu.cpus),
    ...unifiedWrite("cpuset.mems", cpu.mems),
    ...unifiedWrite("pids.max", pids ? limitWord(pids.limit) : undefined),
    ...unifiedBlockIOWrites(blockIO, support),
    ...Object.entries(unified).map(([file, value]) => write(UNIFIED, file, value)),
  ];
}

/** v1 limits memory and swap together, v2 swap alone. */
function swapAlone({ limit, swap }: MemoryResources): number | string | undefined {
  if (swap === undefined) return undefined;
  return swap < 0 || limit === undefined || limit < 0 ? "max" : swap - limit;
}

/** Shares of 2 to 262144 to a weight of 1 to 10000, linearly. */
export function cpuWeight(shares: number): number {
  return 1 + Math.floor(((shares - 2) * 9999) / 262142);
}

const DEFAULT_PERIOD_US = 100_000;

function cpuMaximum({ quota, period }: CpuResources): string | undefined {
  if (quota === undefined && period === undefined) return undefined;
  return `${quota === undefined || quota <= 0 ? "max" : quota} ${period ?? DEFAULT_PERIOD_US}`;
}

/** Weights of 10 to 1000 to 1 to 10000, linearly; BFQ has its own file and keeps the range. */
export function ioWeight(weight: number): number {
  return 1 + Math.floor(((weight - 10) * 9999) / 990);
}

function unifiedBlockIOWrites(io: BlockIOResources, { files }: Support): CgroupWrite[] {
  const isBfq = files.has("io.bfq.weight");
  const weightFile = isBfq ? "io.bfq.weight" : "io.weight";
  const convert = isBfq ? (weight: number): number => weight : ioWeight;
  const throttles = (key: string, devices: readonly ThrottleDevice[] = []): CgroupWrite[] =>
    devices.map(({ major, minor, rate }) => write(UNIFIED, "io.max", `${major}:${minor} ${key}=${rate || "max"}`));
  return [
    ...writeIf(UNIFIED, weightFile, io.weight === undefined ? undefined : convert(io.weight)),
    ...(io.weightDevice ?? []).map((device) =>
      write(UNIFIED, weightFile, `${device.major}:${device.minor} ${convert(device.weight)}`),
    ),
    ...throttles("rbps", io.throttleReadBpsDevice),
    ...throttles("wbps", io.throttleWriteBpsDevice),
    ...throttles("riops", io.throttleReadIOPSDevice),
    ...throttles("wiops", io.throttleWriteIOPSDevice),
  ];
}
