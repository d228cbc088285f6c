import { constants, readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf, fail, messageOf } from "../base/errors.ts";
import { type CgroupLayout, type CgroupWrite, cgroupDirectory } from "./cgroup.ts";

/**
 * Writes one value into a running container's group.
 * @throws conflict `CGROUP_GONE` where the container has ended; invalid `CGROUP_REFUSED` with the kernel's reason, such as
 * a memory limit below what is in use
 */
export async function writeCgroup(
  layout: CgroupLayout,
  cgroupPath: string,
  { controller, file, value }: CgroupWrite,
): Promise<void> {
  const directory = cgroupDirectory(layout, controller, cgroupPath);
  if (directory === undefined) {
    fail("invalid", "CGROUP_MISSING", `${file} cannot be set: this machine has no ${controller} control group`);
  }
  const path = join(directory, file);
  try {
    // Neither O_CREAT nor O_TRUNC, which kernfs would take for something else than a write.
    await using handle = await open(path, constants.O_WRONLY);
    await handle.write(value);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENODEV" || errno === "ENOENT") {
      fail("conflict", "CGROUP_GONE", `${path}: the container has ended, or the kernel lacks this limit`, {
        cause: error,
      });
    }
    fail("invalid", "CGROUP_REFUSED", `failed to write ${JSON.stringify(value)}: write ${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** The trimmed text of a group's file, "" where the machine or this kernel has none or the group is gone. */
export function readCgroup(layout: CgroupLayout, cgroupPath: string, controller: string, file: string): string {
  const directory = cgroupDirectory(layout, controller, cgroupPath);
  if (directory === undefined) return "";
  try {
    return readFileSync(join(directory, file), "utf8").trim();
  } catch (error) {
    const errno = errnoOf(error);
    // EOPNOTSUPP: the file is there for a scheduler that is not in use.
    if (errno === "ENOENT" || errno === "ENODEV" || errno === "EOPNOTSUPP" || errno === "ENOTSUP") return "";
    throw error;
  }
}
