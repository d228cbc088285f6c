import { formatBinarySize, formatByteSize } from "../byte-size.ts";
import type { ListFormat } from "../list-format.ts";

interface CpuStats {
  readonly cpu_usage?: { readonly total_usage?: number; readonly percpu_usage?: readonly number[] | null };
  readonly system_cpu_usage?: number;
  readonly online_cpus?: number;
}

/** `GET /containers/{id}/stats`, as far as it is shown. Nanoseconds and bytes. */
export interface StatsDocument {
  readonly name?: string;
  readonly id?: string;
  readonly cpu_stats?: CpuStats;
  readonly precpu_stats?: CpuStats;
  readonly memory_stats?: {
    readonly usage?: number;
    readonly limit?: number;
    readonly stats?: Readonly<Record<string, number>> | null;
  };
  readonly networks?: Readonly<Record<string, { readonly rx_bytes: number; readonly tx_bytes: number }>> | null;
  readonly blkio_stats?: {
    readonly io_service_bytes_recursive?: readonly { readonly op: string; readonly value: number }[] | null;
  };
  readonly pids_stats?: { readonly current?: number };
}

/** A container under the name it was asked for, and its newest sample; null before the first. */
export interface StatsRow {
  readonly container: string;
  readonly id: string;
  readonly stats: StatsDocument | null;
}

/** The columns of `stats`. */
export function statsListFormat(noTruncate: boolean): ListFormat<StatsRow> {
  const shown = (format: (stats: StatsDocument) => string) => (row: StatsRow) => (row.stats ? format(row.stats) : "--");
  return {
    columns: {
      Container: { header: "CONTAINER", value: ({ container }) => container },
      ID: { header: "CONTAINER ID", value: ({ id }) => (noTruncate ? id : id.slice(0, 12)) },
      Name: { header: "NAME", value: ({ stats }) => stats?.name?.replace(/^\//, "") || "--" },
      CPUPerc: { header: "CPU %", value: shown((stats) => `${cpuPercent(stats).toFixed(2)}%`) },
      MemUsage: { header: "MEM USAGE / LIMIT", value: shown(memory) },
      MemPerc: { header: "MEM %", value: shown((stats) => `${memoryPercent(stats).toFixed(2)}%`) },
      NetIO: { header: "NET I/O", value: shown(network) },
      BlockIO: { header: "BLOCK I/O", value: shown(block) },
      PIDs: { header: "PIDS", value: shown(({ pids_stats }) => String(pids_stats?.current ?? 0)) },
    },
    defaultColumns: ["ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs"],
  };
}

/** Of one CPU: two busy ones are 200 %. */
function cpuPercent({ cpu_stats = {}, precpu_stats = {} }: StatsDocument): number {
  const used = (cpu_stats.cpu_usage?.total_usage ?? 0) - (precpu_stats.cpu_usage?.total_usage ?? 0);
  const system = (cpu_stats.system_cpu_usage ?? 0) - (precpu_stats.system_cpu_usage ?? 0);
  const cpus = cpu_stats.online_cpus || cpu_stats.cpu_usage?.percpu_usage?.length || 0;
  return system > 0 && used > 0 ? (used / system) * cpus * 100 : 0;
}

function memory(stats: StatsDocument): string {
  return `${formatBinarySize(memoryInUse(stats))} / ${formatBinarySize(stats.memory_stats?.limit ?? 0)}`;
}

function memoryPercent(stats: StatsDocument): number {
  const limit = stats.memory_stats?.limit ?? 0;
  return limit > 0 ? (memoryInUse(stats) / limit) * 100 : 0;
}

/** Without the page cache that the kernel would give back first: its name differs between cgroup v1 and v2. */
function memoryInUse({ memory_stats = {} }: StatsDocument): number {
  const { usage = 0, stats } = memory_stats;
  const inactive = stats?.total_inactive_file ?? stats?.inactive_file ?? 0;
  return inactive < usage ? usage - inactive : usage;
}

function network({ networks }: StatsDocument): string {
  const links = Object.values(networks ?? {});
  const received = links.reduce((sum, { rx_bytes }) => sum + rx_bytes, 0);
  const sent = links.reduce((sum, { tx_bytes }) => sum + tx_bytes, 0);
  return `${formatByteSize(received)} / ${formatByteSize(sent)}`;
}

function block({ blkio_stats }: StatsDocument): string {
  const entries = blkio_stats?.io_service_bytes_recursive ?? [];
  const sum = (operation: string) =>
    entries.filter(({ op }) => op.toLowerCase() === operation).reduce((total, { value }) => total + value, 0);
  return `${formatByteSize(sum("read"))} / ${formatByteSize(sum("write"))}`;
}
