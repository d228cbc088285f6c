import type { CgroupLayout, CgroupWrite } from "./cgroup.ts";
import { readCgroup, writeCgroup } from "./cgroup-file.ts";
import { cgroupWrites } from "./cgroup-writes.ts";
import type { Resources } from "./oci-spec.ts";
import type { ResourceSupport } from "./resource-support.ts";

/**
 * Gives a running container other limits. Device rules stay as they are, and so does what `resources` does not name.
 * @throws invalid `CGROUP_REFUSED` at the first value that the kernel refuses, those before it stay written; conflict
 * `CGROUP_GONE`
 */
export async function updateLive(
  layout: CgroupLayout,
  cgroupPath: string,
  resources: Resources,
  support: Pick<ResourceSupport, "version" | "files">,
): Promise<void> {
  const current = Number(readCgroup(layout, cgroupPath, "memory", "memory.memsw.limit_in_bytes") || Infinity);
  const writes = cgroupWrites({ ...resources, devices: [] }, support);
  for (const write of orderMemory(writes, current)) await writeCgroup(layout, cgroupPath, write);
}

const MEMORY = "memory.limit_in_bytes";
const MEMORY_AND_SWAP = "memory.memsw.limit_in_bytes";

/**
 * At every moment the limit of memory and swap must be at least that of memory (kernel's cgroup-v1/memory), so that the
 * larger goes first when the memory's rises above it.
 * @param currentBytes of memory and swap
 */
export function orderMemory(writes: readonly CgroupWrite[], currentBytes: number): CgroupWrite[] {
  const memory = writes.find(({ file }) => file === MEMORY);
  const both = writes.find(({ file }) => file === MEMORY_AND_SWAP);
  if (!memory || !both) return [...writes];
  const isRaised = Number(memory.value) < 0 || Number(both.value) < 0 || Number(memory.value) > currentBytes;
  const rest = writes.filter((write) => write !== memory && write !== both);
  return isRaised ? [both, memory, ...rest] : [memory, both, ...rest];
}
