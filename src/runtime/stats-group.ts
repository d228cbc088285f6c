import type { CgroupLayout } from "./cgroup.ts";
import { readCgroup } from "./cgroup-file.ts";

/** A container's group, for reading counters. */
export interface StatsGroup {
  readonly layout: CgroupLayout;
  readonly cgroupPath: string;
}

/** A file with one number; 0 where there is none. `max` is Infinity. */
export function readNumber(group: StatsGroup, controller: string, file: string): number {
  const text = readCgroup(group.layout, group.cgroupPath, controller, file);
  return text === "max" ? Infinity : Number(text) || 0;
}

/** A file of lines with a name and a number. */
export function readKeyed(group: StatsGroup, controller: string, file: string): Record<string, number> {
  return parseKeyed(readCgroup(group.layout, group.cgroupPath, controller, file));
}

export function parseKeyed(text: string): Record<string, number> {
  const entries = text.split("\n").flatMap((line): [string, number][] => {
    const [name = "", value = ""] = line.trim().split(/[\s:]+/);
    return name && /^\d+$/.test(value) ? [[name, Number(value)]] : [];
  });
  return Object.fromEntries(entries);
}
