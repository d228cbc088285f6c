import { existsSync, readFileSync } from "node:fs";

/** Docker's: what would tell a container about the machine or let it disturb it, hidden. */
const MASKED_PATHS: readonly string[] = [
  "/proc/asound",
  "/proc/acpi",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
];

/** Docker's: what may be read but not written. */
export const DEFAULT_READONLY_PATHS: readonly string[] = [
  "/proc/bus",
  "/proc/fs",
  "/proc/irq",
  "/proc/sys",
  "/proc/sysrq-trigger",
];

/**
 * The paths that Docker masks on this machine. Those of each processor's thermal counters, a side channel
 * (GHSA-6fw5-f8r9-fgfm), are only there on real hardware.
 */
export function readDefaultMaskedPaths(): string[] {
  const possible = readFileSync("/sys/devices/system/cpu/possible", "utf8");
  const last = Number(/(\d+)\s*$/.exec(possible)?.[1] ?? 0);
  const thermal = Array.from({ length: last + 1 }, (_, cpu) => `/sys/devices/system/cpu/cpu${cpu}/thermal_throttle`);
  return [...MASKED_PATHS, ...thermal.filter((path) => existsSync(path))];
}
