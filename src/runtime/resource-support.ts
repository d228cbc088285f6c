import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { CgroupLayout } from "./cgroup.ts";

/** What limits this machine can set: the files that the kernel puts into a container's groups, and its processors. */
export interface ResourceSupport {
  readonly version: CgroupLayout["version"];
  /** Names without directories; they begin with their controller's. */
  readonly files: ReadonlySet<string>;
  readonly cpuCount: number;
  /** Lists and ranges: `0-3`. "" where cpusets are missing. */
  readonly cpus: string;
  readonly mems: string;
}

/**
 * Looks by making an empty group in each tree and removing it, because the trees' tops lack files that groups have
 * (swap on v2, weights on v1) and kernels are built with and without others.
 */
export function readResourceSupport(layout: CgroupLayout): ResourceSupport {
  const files = new Set<string>();
  for (const directory of new Set(layout.trees.values())) {
    if (layout.version === 2) passControllersOn(directory);
    for (const name of probeGroup(directory)) files.add(name);
  }
  const cpuset = layout.trees.get("cpuset");
  const read = (...names: string[]): string => (cpuset ? readFirst(names.map((name) => join(cpuset, name))) : "");
  return {
    version: layout.version,
    files,
    cpuCount: availableParallelism(),
    cpus: read("cpuset.cpus.effective", "cpuset.effective_cpus", "cpuset.cpus"),
    mems: read("cpuset.mems.effective", "cpuset.effective_mems", "cpuset.mems"),
  };
}

/** On v2 a group has the controllers' files only when its parent passes the controllers on. */
function passControllersOn(directory: string): void {
  const controllers = readFileSync(join(directory, "cgroup.controllers"), "utf8").trim();
  for (const controller of controllers.split(" ").filter(Boolean)) {
    try {
      writeFileSync(join(directory, "cgroup.subtree_control"), `+${controller}`);
    } catch {
      // One that is in use otherwise (realtime processes, a nested tree's top) is missing below, and is reported so.
    }
  }
}

function probeGroup(tree: string): string[] {
  const group = join(tree, `lighter-probe-${process.pid}`);
  try {
    mkdirSync(group);
  } catch {
    // Read-only trees (an engine without rights) still tell what their own group has.
    return readNames(tree);
  }
  try {
    return readNames(group);
  } finally {
    rmdirSync(group);
  }
}

function readNames(directory: string): string[] {
  return readdirSync(directory).filter((name) => name.includes("."));
}

function readFirst(paths: readonly string[]): string {
  for (const path of paths) {
    try {
      const text = readFileSync(path, "utf8").trim();
      if (text) return text;
    } catch {
      // The kernel has the other name.
    }
  }
  return "";
}
