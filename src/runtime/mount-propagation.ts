import { readFile, realpath } from "node:fs/promises";
import { fail } from "../base/errors.ts";
import type { Propagation } from "./mounts.ts";

/**
 * Refuses a bind whose source cannot propagate mounts as asked: a shared bind needs a shared mount on the host, a slave
 * one a shared or slave mount (mount_namespaces(7)).
 * @throws invalid `MOUNT_NOT_SHARED` in Docker's words
 */
export async function requirePropagation(source: string, propagation: Propagation): Promise<void> {
  if (propagation.endsWith("private")) return;
  const [path, mountinfo] = await Promise.all([realpath(source), readFile("/proc/self/mountinfo", "utf8")]);
  checkPropagation(path, propagation, mountinfo);
}

export function checkPropagation(path: string, propagation: Propagation, mountinfo: string): void {
  const mount = mountAbove(path, mountinfo);
  const isShared = mount.flags.some((flag) => flag.startsWith("shared:"));
  const isSlave = mount.flags.some((flag) => flag.startsWith("master:"));
  const wantsShared = propagation.endsWith("shared");
  if (isShared || (isSlave && !wantsShared)) return;
  const needed = wantsShared ? "a shared mount" : "a shared or slave mount";
  fail("invalid", "MOUNT_NOT_SHARED", `path ${path} is mounted on ${mount.directory} but it is not ${needed}`);
}

/** The last of the longest mount points at or above the path. */
function mountAbove(path: string, mountinfo: string): { directory: string; flags: string[] } {
  let found = { directory: "/", flags: [] as string[] };
  for (const line of mountinfo.split("\n")) {
    const [, , , , directory = "", , ...rest] = line.split(" ");
    const contains = directory === "/" || path === directory || path.startsWith(`${directory}/`);
    if (directory && contains && directory.length >= found.directory.length) {
      found = { directory, flags: rest.slice(0, rest.indexOf("-")) };
    }
  }
  return found;
}
