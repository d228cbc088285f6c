import { readCgroup } from "./cgroup-file.ts";
import { readKeyed, readNumber, type StatsGroup } from "./stats-group.ts";

/** Times in nanoseconds. */
export interface CpuStats {
  readonly cpu_usage: {
    readonly total_usage: number;
    /** v1 only. */
    readonly percpu_usage?: readonly number[];
    readonly usage_in_kernelmode: number;
    readonly usage_in_usermode: number;
  };
  /** Of the whole machine since it was started, all processors together, idle time too. */
  readonly system_cpu_usage?: number;
  readonly online_cpus?: number;
  readonly throttling_data: {
    readonly periods: number;
    readonly throttled_periods: number;
    readonly throttled_time: number;
  };
}

export const NO_CPU_STATS: CpuStats = {
  cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
  throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
};

/** USER_HZ, the unit of times in /proc: 100 on all of Linux's 64-bit machines. */
const NANOSECONDS_PER_TICK = 1e9 / 100;
const NANOSECONDS_PER_MICROSECOND = 1000;

/** @param stat the text of /proc/stat */
export function readCpuStats(group: StatsGroup, stat: string): CpuStats {
  return { ...(group.layout.version === 2 ? readUnified(group) : readV1(group)), ...readMachine(stat) };
}

function readV1(group: StatsGroup): CpuStats {
  const { user = 0, system = 0 } = readKeyed(group, "cpuacct", "cpuacct.stat");
  const throttling = readKeyed(group, "cpu", "cpu.stat");
  const perCpu = readCgroup(group.layout, group.cgroupPath, "cpuacct", "cpuacct.usage_percpu");
  return {
    cpu_usage: {
      total_usage: readNumber(group, "cpuacct", "cpuacct.usage"),
      percpu_usage: perCpu.split(" ").filter(Boolean).map(Number),
      usage_in_kernelmode: system * NANOSECONDS_PER_TICK,
      usage_in_usermode: user * NANOSECONDS_PER_TICK,
    },
    throttling_data: {
      periods: throttling.nr_periods ?? 0,
      throttled_periods: throttling.nr_throttled ?? 0,
      throttled_time: throttling.throttled_time ?? 0,
    },
  };
}

function readUnified(group: StatsGroup): CpuStats {
  const stat = readKeyed(group, "unified", "cpu.stat");
  return {
    cpu_usage: {
      total_usage: (stat.usage_usec ?? 0) * NANOSECONDS_PER_MICROSECOND,
      usage_in_kernelmode: (stat.system_usec ?? 0) * NANOSECONDS_PER_MICROSECOND,
      usage_in_usermode: (stat.user_usec ?? 0) * NANOSECONDS_PER_MICROSECOND,
    },
    throttling_data: {
      periods: stat.nr_periods ?? 0,
      throttled_periods: stat.nr_throttled ?? 0,
      throttled_time: (stat.throttled_usec ?? 0) * NANOSECONDS_PER_MICROSECOND,
    },
  };
}

/** proc_stat(5): user, nice, system, idle, iowait, irq, softirq; steal and guests are not counted, as in Docker. */
const COUNTED_FIELDS = 7;

function readMachine(stat: string): Pick<CpuStats, "system_cpu_usage" | "online_cpus"> {
  const lines = stat.split("\n");
  const total = lines.find((line) => line.startsWith("cpu "))?.split(/\s+/) ?? [];
  const ticks = total.slice(1, 1 + COUNTED_FIELDS).reduce((sum, field) => sum + Number(field), 0);
  return {
    system_cpu_usage: ticks * NANOSECONDS_PER_TICK,
    online_cpus: lines.filter((line) => /^cpu\d/.test(line)).length,
  };
}
