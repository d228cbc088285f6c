import { readFile } from "node:fs/promises";
import { formatTimestamp, type Nanoseconds, nowNanoseconds, ZERO_TIMESTAMP } from "../base/timestamp.ts";
import type { CgroupLayout } from "./cgroup.ts";
import { type BlkioStats, readBlkioStats } from "./stats-blkio.ts";
import { type CpuStats, NO_CPU_STATS, readCpuStats } from "./stats-cpu.ts";
import { type MemoryStats, readMemoryStats } from "./stats-memory.ts";
import { type NetworkStats, readNetworkStats } from "./stats-network.ts";
import { type PidsStats, readPidsStats } from "./stats-pids.ts";

/** What a running container uses at one moment. */
export interface StatsSample {
  readonly time: Nanoseconds;
  readonly pids: PidsStats;
  readonly blkio: BlkioStats;
  readonly cpu: CpuStats;
  readonly memory: MemoryStats;
  /** null where the container has no interfaces of its own. */
  readonly networks: Readonly<Record<string, NetworkStats>> | null;
}

/** The document of `GET /containers/{id}/stats`, in the Engine API's names. */
export interface StatsDocument {
  readonly name: string;
  readonly id: string;
  readonly read: string;
  readonly preread: string;
  readonly pids_stats: PidsStats;
  readonly blkio_stats: BlkioStats;
  readonly num_procs: number;
  readonly storage_stats: Readonly<Record<string, never>>;
  readonly cpu_stats: CpuStats;
  readonly precpu_stats: CpuStats;
  readonly memory_stats: MemoryStats | Readonly<Record<string, never>>;
  readonly networks?: Readonly<Record<string, NetworkStats>>;
}

/**
 * Takes one sample. A container that ends meanwhile gives zeros, not an error.
 * @param networkPid a process in the container's network namespace; null where that is the host's, or none
 */
export async function readStats(
  layout: CgroupLayout,
  cgroupPath: string,
  networkPid: number | null,
): Promise<StatsSample> {
  const [stat, meminfo, networks] = await Promise.all([
    readFile("/proc/stat", "utf8"),
    readFile("/proc/meminfo", "utf8"),
    networkPid === null ? null : readNetworkStats(networkPid),
  ]);
  const group = { layout, cgroupPath };
  return {
    time: nowNanoseconds(),
    pids: readPidsStats(group),
    blkio: readBlkioStats(group),
    cpu: readCpuStats(group, stat),
    memory: readMemoryStats(group, meminfo),
    networks,
  };
}

/**
 * The document for a sample and the one before it, from which clients compute shares of processors.
 * @param name with the slash in front
 */
export function statsDocument(
  container: { readonly id: string; readonly name: string },
  sample: StatsSample,
  previous: StatsSample | null,
): StatsDocument {
  return {
    ...container,
    read: formatTimestamp(sample.time),
    preread: previous ? formatTimestamp(previous.time) : ZERO_TIMESTAMP,
    pids_stats: sample.pids,
    blkio_stats: sample.blkio,
    num_procs: 0,
    storage_stats: {},
    cpu_stats: sample.cpu,
    precpu_stats: previous?.cpu ?? NO_CPU_STATS,
    memory_stats: sample.memory,
    ...(sample.networks ? { networks: sample.networks } : {}),
  };
}

/** The document of a container that does not run, as Docker answers for one: all zero. */
export function emptyStatsDocument(container: { readonly id: string; readonly name: string }): StatsDocument {
  return {
    ...container,
    read: ZERO_TIMESTAMP,
    preread: ZERO_TIMESTAMP,
    pids_stats: {},
    blkio_stats: {
      io_service_bytes_recursive: null,
      io_serviced_recursive: null,
      io_queue_recursive: null,
      io_service_time_recursive: null,
      io_wait_time_recursive: null,
      io_merged_recursive: null,
      io_time_recursive: null,
      sectors_recursive: null,
    },
    num_procs: 0,
    storage_stats: {},
    cpu_stats: NO_CPU_STATS,
    precpu_stats: NO_CPU_STATS,
    memory_stats: {},
  };
}
