import { watch } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fail } from "../base/errors.ts";
import { type CgroupLayout, cgroupDirectory, UNIFIED } from "./cgroup.ts";
import { readCgroup, writeCgroup } from "./cgroup-file.ts";

const DEADLINE_MS = 10_000;

/**
 * Stops all processes of a container where they are, and returns when they stand.
 * @throws unavailable `FREEZE_FAILED` when some do not stop in time (waiting for a dead disk, say): all run again then;
 * conflict `CGROUP_GONE`
 */
export async function freeze(layout: CgroupLayout, cgroupPath: string): Promise<void> {
  const isFrozen = layout.version === 2 ? await freezeUnified(layout, cgroupPath) : await freezeV1(layout, cgroupPath);
  if (isFrozen) return;
  await thaw(layout, cgroupPath);
  fail("unavailable", "FREEZE_FAILED", `${cgroupPath}: processes did not stop within ${DEADLINE_MS / 1000} s`);
}

/** Lets all processes of a container run again. @throws conflict `CGROUP_GONE` */
export async function thaw(layout: CgroupLayout, cgroupPath: string): Promise<void> {
  const write =
    layout.version === 2
      ? { controller: UNIFIED, file: "cgroup.freeze", value: "0" }
      : { controller: "freezer", file: "freezer.state", value: "THAWED" };
  await writeCgroup(layout, cgroupPath, write);
}

/**
 * v1 tells nobody when it is done, so it is asked: at once, which nearly always suffices, then ever less often. A task that
 * was made meanwhile keeps the group in FREEZING until the state is written again (kernel's cgroup-v1/freezer-subsystem).
 */
async function freezeV1(layout: CgroupLayout, cgroupPath: string): Promise<boolean> {
  const deadline = performance.now() + DEADLINE_MS;
  for (let pauseMs = 0; performance.now() < deadline; pauseMs = Math.min(pauseMs * 2 + 1, 50)) {
    await writeCgroup(layout, cgroupPath, { controller: "freezer", file: "freezer.state", value: "FROZEN" });
    if (readCgroup(layout, cgroupPath, "freezer", "freezer.state") === "FROZEN") return true;
    await delay(pauseMs);
  }
  return false;
}

/** v2 changes cgroup.events when it is done (kernel's admin-guide/cgroup-v2, "cgroup.freeze"). */
async function freezeUnified(layout: CgroupLayout, cgroupPath: string): Promise<boolean> {
  const directory = cgroupDirectory(layout, UNIFIED, cgroupPath);
  if (directory === undefined) fail("unavailable", "FREEZE_FAILED", `${cgroupPath}: no v2 control groups`);
  const isFrozen = (): boolean => /^frozen 1$/m.test(readCgroup(layout, cgroupPath, UNIFIED, "cgroup.events"));
  const changed = Promise.withResolvers<boolean>();
  const watcher = watch(join(directory, "cgroup.events"), () => {
    if (isFrozen()) changed.resolve(true);
  });
  const timer = setTimeout(() => changed.resolve(isFrozen()), DEADLINE_MS);
  try {
    await writeCgroup(layout, cgroupPath, { controller: UNIFIED, file: "cgroup.freeze", value: "1" });
    return isFrozen() || (await changed.promise);
  } finally {
    clearTimeout(timer);
    watcher.close();
  }
}
