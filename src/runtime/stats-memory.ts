import { readKeyed, readNumber, type StatsGroup } from "./stats-group.ts";

/** Bytes. */
export interface MemoryStats {
  readonly usage: number;
  /** v1 only. */
  readonly max_usage?: number;
  readonly stats: Readonly<Record<string, number>>;
  readonly failcnt?: number;
  /** The container's, or the machine's memory where that is less. */
  readonly limit: number;
}

/** @param meminfo the text of /proc/meminfo */
export function readMemoryStats(group: StatsGroup, meminfo: string): MemoryStats {
  const machine = Number(/^MemTotal:\s+(\d+) kB$/m.exec(meminfo)?.[1] ?? 0) * 1024;
  return group.layout.version === 2 ? readUnified(group, machine) : readV1(group, machine);
}

function readV1(group: StatsGroup, machine: number): MemoryStats {
  const failures = readNumber(group, "memory", "memory.failcnt");
  return {
    usage: readNumber(group, "memory", "memory.usage_in_bytes"),
    max_usage: readNumber(group, "memory", "memory.max_usage_in_bytes"),
    stats: readKeyed(group, "memory", "memory.stat"),
    ...(failures > 0 ? { failcnt: failures } : {}),
    limit: atMost(readNumber(group, "memory", "memory.limit_in_bytes"), machine),
  };
}

function readUnified(group: StatsGroup, machine: number): MemoryStats {
  // A kill counts as a failure, as Docker has it on v2.
  const failures = readKeyed(group, "unified", "memory.events").oom ?? 0;
  return {
    usage: readNumber(group, "unified", "memory.current"),
    stats: readKeyed(group, "unified", "memory.stat"),
    ...(failures > 0 ? { failcnt: failures } : {}),
    limit: atMost(readNumber(group, "unified", "memory.max"), machine),
  };
}

/** "No limit" is a huge number on v1; 0 is a group that went away. */
function atMost(limit: number, machine: number): number {
  return limit > 0 && limit < machine ? limit : machine;
}
