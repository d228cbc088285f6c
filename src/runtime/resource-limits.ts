import { fail } from "../base/errors.ts";
import type { ResourceSupport } from "./resource-support.ts";

/**
 * What a client asks of processors, memory and disks, in the Engine API's names and units (HostConfig): bytes,
 * microseconds, NanoCpus in 1e-9 processors. 0, "" and null ask for nothing.
 */
export interface ResourceSettings {
  readonly CpuShares: number;
  readonly Memory: number;
  readonly NanoCpus: number;
  readonly BlkioWeight: number;
  readonly BlkioWeightDevice: readonly { readonly Path: string; readonly Weight: number }[];
  readonly BlkioDeviceReadBps: readonly DeviceRate[];
  readonly BlkioDeviceWriteBps: readonly DeviceRate[];
  readonly BlkioDeviceReadIOps: readonly DeviceRate[];
  readonly BlkioDeviceWriteIOps: readonly DeviceRate[];
  readonly CpuPeriod: number;
  readonly CpuQuota: number;
  readonly CpuRealtimePeriod: number;
  readonly CpuRealtimeRuntime: number;
  readonly CpusetCpus: string;
  readonly CpusetMems: string;
  readonly MemoryReservation: number;
  /** Memory and swap together; -1 is no limit, 0 twice the memory. */
  readonly MemorySwap: number;
  readonly MemorySwappiness: number | null;
  readonly OomKillDisable: boolean | null;
  /** 0 and -1: no limit. */
  readonly PidsLimit: number | null;
  readonly CpuPercent: number;
  readonly IOMaximumIOps: number;
  readonly IOMaximumBandwidth: number;
}

export interface DeviceRate {
  readonly Path: string;
  readonly Rate: number;
}

/** Docker's, to have room for starting anything at all. */
const MIN_MEMORY_BYTES = 6 * 1024 * 1024;
/** The kernel's MIN_SHARES and MAX_SHARES. */
const MIN_CPU_SHARES = 2;
const MAX_CPU_SHARES = 262144;
const NANO_CPUS = 1e9;

/**
 * Completes and checks a request against what this machine can do. What the machine lacks is taken out and warned of;
 * texts and order are Docker's.
 * @param update on a container that exists, whose other values are not known here
 * @throws invalid `INVALID_RESOURCES`
 */
export function checkResources<T extends ResourceSettings>(
  requested: T,
  support: ResourceSupport,
  update = false,
): { resources: T; warnings: string[] } {
  // Docker's clients have always sent -1 for "not set".
  const cleaned = requested.MemorySwappiness === -1 ? { ...requested, MemorySwappiness: null } : requested;
  const completed = update ? cleaned : withDefaults(cleaned);
  const { resources, warnings } = discardUnsupported(completed, support);
  checkMemory(resources, update);
  checkCpu(resources, support);
  checkCpusets(resources, support);
  checkBlockIO(resources);
  if (resources.OomKillDisable && resources.Memory === 0) {
    warnings.push(
      "OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.",
    );
  }
  return { resources, warnings };
}

function withDefaults<T extends ResourceSettings>(resources: T): T {
  return {
    ...resources,
    MemorySwap: resources.Memory > 0 && resources.MemorySwap === 0 ? resources.Memory * 2 : resources.MemorySwap,
    OomKillDisable: resources.OomKillDisable ?? false,
  };
}

/** One kind of limit: what it needs, when it is asked for, what is left of it and what is said where it cannot be had. */
interface Discard {
  readonly files: readonly string[];
  isAsked(resources: ResourceSettings): boolean;
  readonly without: Partial<ResourceSettings>;
  readonly warning: string;
}

const kernelLacks = (what: string): string => `Your kernel does not support ${what} or the cgroup is not mounted.`;

const DISCARDS: readonly Discard[] = [
  {
    files: ["memory.limit_in_bytes", "memory.max"],
    isAsked: ({ Memory }) => Memory > 0,
    without: { Memory: 0, MemorySwap: -1 },
    warning: `${kernelLacks("memory limit capabilities")} Limitation discarded.`,
  },
  {
    files: ["memory.memsw.limit_in_bytes", "memory.swap.max"],
    isAsked: ({ Memory, MemorySwap }) => Memory > 0 && MemorySwap !== -1,
    without: { MemorySwap: -1 },
    warning: `${kernelLacks("swap limit capabilities")} Memory limited without swap.`,
  },
  {
    files: ["memory.swappiness"],
    isAsked: ({ MemorySwappiness }) => MemorySwappiness !== null,
    without: { MemorySwappiness: null },
    warning: `${kernelLacks("memory swappiness capabilities")} Memory swappiness discarded.`,
  },
  {
    files: ["memory.soft_limit_in_bytes", "memory.low"],
    isAsked: ({ MemoryReservation }) => MemoryReservation > 0,
    without: { MemoryReservation: 0 },
    warning: `${kernelLacks("memory soft limit capabilities")} Limitation discarded.`,
  },
  {
    files: ["memory.oom_control"],
    isAsked: ({ OomKillDisable }) => OomKillDisable === true,
    without: { OomKillDisable: null },
    warning: "Your kernel does not support OomKillDisable. OomKillDisable discarded.",
  },
  {
    files: ["pids.max"],
    isAsked: ({ PidsLimit }) => PidsLimit !== null && PidsLimit > 0,
    without: { PidsLimit: null },
    warning: `${kernelLacks("PIDs limit capabilities")} PIDs limit discarded.`,
  },
  {
    files: ["cpu.shares", "cpu.weight"],
    isAsked: ({ CpuShares }) => CpuShares > 0,
    without: { CpuShares: 0 },
    warning: `${kernelLacks("CPU shares")} Shares discarded.`,
  },
  {
    files: ["cpu.cfs_quota_us", "cpu.max"],
    isAsked: ({ CpuPeriod, CpuQuota }) => CpuPeriod !== 0 || CpuQuota !== 0,
    without: { CpuPeriod: 0, CpuQuota: 0 },
    warning: "Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.",
  },
  {
    files: [],
    isAsked: ({ CpuPercent }) => CpuPercent > 0,
    without: { CpuPercent: 0 },
    warning: "linux does not support CPU percent. Percent discarded.",
  },
  {
    files: ["cpuset.cpus"],
    isAsked: ({ CpusetCpus, CpusetMems }) => CpusetCpus !== "" || CpusetMems !== "",
    without: { CpusetCpus: "", CpusetMems: "" },
    warning: `${kernelLacks("cpuset")} Cpuset discarded.`,
  },
  {
    files: ["blkio.weight", "blkio.bfq.weight", "io.weight", "io.bfq.weight"],
    isAsked: ({ BlkioWeight }) => BlkioWeight > 0,
    without: { BlkioWeight: 0 },
    warning: `${kernelLacks("Block I/O weight")} Weight discarded.`,
  },
  {
    files: ["blkio.weight_device", "blkio.bfq.weight_device", "io.weight", "io.bfq.weight"],
    isAsked: ({ BlkioWeightDevice }) => BlkioWeightDevice.length > 0,
    without: { BlkioWeightDevice: [] },
    warning: `${kernelLacks("Block I/O weight_device")} Weight-device discarded.`,
  },
  {
    files: ["blkio.throttle.read_bps_device", "io.max"],
    isAsked: ({ BlkioDeviceReadBps }) => BlkioDeviceReadBps.length > 0,
    without: { BlkioDeviceReadBps: [] },
    warning: `${kernelLacks("BPS Block I/O read limit")} Block I/O BPS read limit discarded.`,
  },
  {
    files: ["blkio.throttle.write_bps_device", "io.max"],
    isAsked: ({ BlkioDeviceWriteBps }) => BlkioDeviceWriteBps.length > 0,
    without: { BlkioDeviceWriteBps: [] },
    warning: `${kernelLacks("BPS Block I/O write limit")} Block I/O BPS write limit discarded.`,
  },
  {
    files: ["blkio.throttle.read_iops_device", "io.max"],
    isAsked: ({ BlkioDeviceReadIOps }) => BlkioDeviceReadIOps.length > 0,
    without: { BlkioDeviceReadIOps: [] },
    warning: `${kernelLacks("IOPS Block read limit")} Block I/O IOPS read limit discarded.`,
  },
  {
    files: ["blkio.throttle.write_iops_device", "io.max"],
    isAsked: ({ BlkioDeviceWriteIOps }) => BlkioDeviceWriteIOps.length > 0,
    without: { BlkioDeviceWriteIOps: [] },
    warning: `${kernelLacks("IOPS Block write limit")} Block I/O IOPS write limit discarded.`,
  },
];

function discardUnsupported<T extends ResourceSettings>(
  requested: T,
  support: ResourceSupport,
): { resources: T; warnings: string[] } {
  let resources = requested;
  const warnings: string[] = [];
  for (const { files, isAsked, without, warning } of DISCARDS) {
    if (files.some((file) => support.files.has(file)) || !isAsked(resources)) continue;
    resources = { ...resources, ...without };
    warnings.push(warning);
  }
  return { resources, warnings };
}

function refuse(message: string): never {
  return fail("invalid", "INVALID_RESOURCES", message);
}

function checkMemory(resources: ResourceSettings, update: boolean): void {
  const { Memory: memory, MemorySwap: swap, MemoryReservation: reservation, MemorySwappiness: swappiness } = resources;
  if (memory !== 0 && memory < MIN_MEMORY_BYTES) refuse("Minimum memory limit allowed is 6MB");
  if (memory > 0 && swap > 0 && swap < memory) {
    refuse("Minimum memoryswap limit should be larger than memory limit, see usage");
  }
  if (memory === 0 && swap > 0 && !update) {
    refuse("You should always set the Memory limit when using Memoryswap limit, see usage");
  }
  if (swap < -1) refuse(`Invalid value: ${swap}, valid memory swap is -1 or more`);
  if (swappiness !== null && (swappiness < 0 || swappiness > 100)) {
    refuse(`Invalid value: ${swappiness}, valid memory swappiness range is 0-100`);
  }
  if (reservation < 0 || (reservation > 0 && reservation < MIN_MEMORY_BYTES)) {
    refuse("Minimum memory reservation allowed is 6MB");
  }
  if (memory > 0 && reservation > 0 && memory < reservation) {
    refuse("Minimum memory limit can not be less than memory reservation limit, see usage");
  }
}

function checkCpu(resources: ResourceSettings, { cpuCount, files }: ResourceSupport): void {
  const { NanoCpus: nano, CpuPeriod: period, CpuQuota: quota, CpuShares: shares } = resources;
  const { CpuRealtimePeriod: realtimePeriod, CpuRealtimeRuntime: realtimeRuntime } = resources;
  if (nano > 0 && period > 0) refuse("Conflicting options: Nano CPUs and CPU Period cannot both be set");
  if (nano > 0 && quota > 0) refuse("Conflicting options: Nano CPUs and CPU Quota cannot both be set");
  if (nano > 0 && !files.has("cpu.cfs_quota_us") && !files.has("cpu.max")) {
    refuse("NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted");
  }
  // Less than a hundredth of a processor is less than the kernel's smallest quota, 1 ms in a period of 100 ms.
  if (nano < 0 || (nano > 0 && nano < NANO_CPUS / 100) || nano > cpuCount * NANO_CPUS) {
    refuse(`range of CPUs is from 0.01 to ${cpuCount}.00, as there are only ${cpuCount} CPUs available`);
  }
  if (period !== 0 && (period < 1000 || period > 1_000_000)) {
    refuse("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
  }
  if (quota > 0 && quota < 1000) refuse("CPU cfs quota can not be less than 1ms (i.e. 1000)");
  if (shares < 0) refuse(`invalid CPU shares (${shares}): value must be a positive integer`);
  if (shares > 0 && shares < MIN_CPU_SHARES) refuse(`the minimum allowed cpu-shares is ${MIN_CPU_SHARES}`);
  if (shares > MAX_CPU_SHARES) refuse(`the maximum allowed cpu-shares is ${MAX_CPU_SHARES}`);
  if ((realtimePeriod !== 0 || realtimeRuntime !== 0) && !files.has("cpu.rt_runtime_us")) {
    refuse("kernel does not support CPU real-time scheduler");
  }
  if (realtimePeriod !== 0 && realtimeRuntime > realtimePeriod) {
    refuse("cpu real-time runtime cannot be higher than cpu real-time period");
  }
}

function checkCpusets({ CpusetCpus, CpusetMems }: ResourceSettings, { cpus, mems }: ResourceSupport): void {
  if (!isAvailable(CpusetCpus, cpus, "cpus")) {
    refuse(`Requested CPUs are not available - requested ${CpusetCpus}, available: ${cpus}`);
  }
  if (!isAvailable(CpusetMems, mems, "mems")) {
    refuse(`Requested memory nodes are not available - requested ${CpusetMems}, available: ${mems}`);
  }
}

function isAvailable(requested: string, available: string, kind: "cpus" | "mems"): boolean {
  const wanted =
    parseNumberList(requested) ?? refuse(`Invalid value ${requested} for cpuset ${kind}: invalid format: ${requested}`);
  const offered = parseNumberList(available) ?? new Set<number>();
  return [...wanted].every((number) => offered.has(number));
}

/** The kernel's NR_CPUS has never been larger; a longer range would only cost memory here. */
const MAX_LISTED = 8192;

/** cpuset(7)'s list format, `0-3,7`; undefined for what is no list. */
export function parseNumberList(text: string): ReadonlySet<number> | undefined {
  const numbers = new Set<number>();
  if (text === "") return numbers;
  for (const part of text.split(",")) {
    const [, first = "", last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part) ?? [];
    if (first === "" || Number(first) > Number(last) || Number(last) >= MAX_LISTED) return undefined;
    for (let number = Number(first); number <= Number(last); number++) numbers.add(number);
  }
  return numbers;
}

function checkBlockIO(resources: ResourceSettings): void {
  const weights = [resources.BlkioWeight, ...resources.BlkioWeightDevice.map((device) => device.Weight)];
  if (weights.some((weight) => weight !== 0 && (weight < 10 || weight > 1000))) {
    refuse("Range of blkio weight is from 10 to 1000");
  }
  if (resources.IOMaximumBandwidth !== 0 || resources.IOMaximumIOps !== 0) {
    refuse("Invalid QoS settings: linux does not support Maximum IO Bandwidth or Maximum IO IOps");
  }
  const rates = [
    ...resources.BlkioDeviceReadBps,
    ...resources.BlkioDeviceWriteBps,
    ...resources.BlkioDeviceReadIOps,
    ...resources.BlkioDeviceWriteIOps,
  ];
  const negative = rates.find(({ Rate }) => Rate < 0);
  if (negative) refuse(`invalid rate for device: ${negative.Path}:${negative.Rate}. Rate must be a positive integer`);
}
