import { readCgroup } from "./cgroup-file.ts";
import type { StatsGroup } from "./stats-group.ts";

export interface PidsStats {
  readonly current?: number;
  /** Left out where there is none. */
  readonly limit?: number;
}

export function readPidsStats({ layout, cgroupPath }: StatsGroup): PidsStats {
  const current = readCgroup(layout, cgroupPath, "pids", "pids.current");
  const limit = readCgroup(layout, cgroupPath, "pids", "pids.max");
  return {
    ...(current === "" ? {} : { current: Number(current) }),
    ...(limit === "" || limit === "max" ? {} : { limit: Number(limit) }),
  };
}
