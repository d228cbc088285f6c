import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cgroupDirectory, pidsIn, readCgroupLayout } from "../../src/runtime/cgroup.ts";
import { freeze, thaw } from "../../src/runtime/cgroup-freezer.ts";
import { updateLive } from "../../src/runtime/cgroup-update.ts";
import { cgroupWrites } from "../../src/runtime/cgroup-writes.ts";
import { DEFAULT_DEVICE_RULES } from "../../src/runtime/devices.ts";
import { readResourceSupport } from "../../src/runtime/resource-support.ts";
import { readStats, statsDocument } from "../../src/runtime/stats.ts";

const MB = 1024 * 1024;
const layout = readCgroupLayout();
const support = readResourceSupport(layout);
const path = `/lighter-test-${process.pid}`;
const directories = [...new Set([...layout.trees.keys()].map((name) => cgroupDirectory(layout, name, path) ?? ""))];

const file = (controller: string, name: string): string => join(cgroupDirectory(layout, controller, path) ?? "", name);
const read = (controller: string, name: string): string => readFileSync(file(controller, name), "utf8").trim();

/** Fields after the command's name in proc_pid_stat(5): the state, and the ticks used in user mode. */
function processStat(pid: number): { state: string; ticks: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return { state: fields[0] ?? "", ticks: Number(fields[11]) };
}

let child: ChildProcess;
let pid: number;

beforeEach(async () => {
  for (const directory of directories) {
    mkdirSync(directory);
    if (!directory.includes("/cpuset")) continue;
    for (const name of ["cpuset.cpus", "cpuset.mems"]) {
      writeFileSync(join(directory, name), readFileSync(join(directory, "..", name)));
    }
  }
  child = spawn("sh", ["-c", "echo ready; while :; do :; done"], { stdio: ["ignore", "pipe", "inherit"] });
  if (child.stdout) await once(child.stdout, "data");
  pid = child.pid ?? 0;
  for (const directory of directories) writeFileSync(join(directory, "cgroup.procs"), String(pid));
});

afterEach(async () => {
  const ended = once(child, "close");
  child.kill("SIGKILL");
  await ended;
  for (const directory of directories) rmdirSync(directory);
});

describe("a group with a process that never rests", () => {
  test("has it in its list", () => {
    expect(pidsIn(layout, path)).toEqual([pid]);
    expect(pidsIn(layout, "/no-such-group")).toEqual([]);
  });

  test("stands still when frozen, and runs on when thawed", async () => {
    await freeze(layout, path);
    const before = processStat(pid).ticks;
    // A machine that is busy with something else would not run it either, so this process is given time by its own work.
    const until = performance.now() + 50;
    while (performance.now() < until);
    expect(processStat(pid).ticks).toBe(before);
    await thaw(layout, path);
    const deadline = performance.now() + 10_000;
    while (processStat(pid).ticks === before) {
      if (performance.now() > deadline) throw new Error("the thawed process did not run within 10 s");
    }
  });

  test("may be frozen twice", async () => {
    await freeze(layout, path);
    await freeze(layout, path);
    await thaw(layout, path);
    await thaw(layout, path);
  });

  test("takes limits in the order in which they are made", async () => {
    const resources = {
      devices: DEFAULT_DEVICE_RULES,
      memory: { limit: 64 * MB, swap: 128 * MB, reservation: 32 * MB },
      cpu: { shares: 512, period: 100_000, quota: 50_000, cpus: "0" },
      pids: { limit: 99 },
    };
    for (const write of cgroupWrites(resources, support))
      writeFileSync(file(write.controller, write.file), write.value);
    expect(read("pids", "pids.max")).toBe("99");
    if (layout.version === 1) {
      expect(read("memory", "memory.limit_in_bytes")).toBe(String(64 * MB));
      expect(read("memory", "memory.memsw.limit_in_bytes")).toBe(String(128 * MB));
      expect(read("devices", "devices.list").split("\n")).toEqual([
        "c *:* m",
        "b *:* m",
        "c 1:3 rwm",
        "c 1:5 rwm",
        "c 1:7 rwm",
        "c 1:8 rwm",
        "c 1:9 rwm",
        "c 5:0 rwm",
        "c 5:1 rwm",
        "c 5:2 rwm",
        "c 136:* rwm",
      ]);
    }
  });

  test("has its limits raised and lowered while it runs", async () => {
    for (const megabytes of [64, 256, 32]) {
      const memory = { limit: megabytes * MB, swap: 2 * megabytes * MB };
      await updateLive(layout, path, { memory, pids: { limit: megabytes } }, support);
      expect(read("pids", "pids.max")).toBe(String(megabytes));
      const [controller, name] = layout.version === 1 ? ["memory", "memory.limit_in_bytes"] : ["unified", "memory.max"];
      expect(read(controller, name)).toBe(String(megabytes * MB));
    }
  });

  test("is told what the kernel refuses", async () => {
    await expect(updateLive(layout, path, { cpu: { cpus: "4000" } }, support)).rejects.toMatchObject({
      kind: "invalid",
      message: expect.stringContaining('failed to write "4000": write '),
    });
  });

  test("is counted", async () => {
    const first = await readStats(layout, path, null);
    // On a busy machine it may not have run yet since it came into the group.
    const deadline = performance.now() + 10_000;
    let second = await readStats(layout, path, null);
    while (second.cpu.cpu_usage.total_usage === 0 && performance.now() < deadline) {
      second = await readStats(layout, path, null);
    }
    const document = statsDocument({ id: "x", name: "/x" }, second, first);
    expect(document.pids_stats.current).toBe(1);
    expect(document.cpu_stats.cpu_usage.total_usage).toBeGreaterThan(0);
    expect(document.cpu_stats.cpu_usage.total_usage).toBeGreaterThanOrEqual(
      document.precpu_stats.cpu_usage.total_usage,
    );
    expect(document.cpu_stats.system_cpu_usage).toBeGreaterThan(1e9);
    expect(document.cpu_stats.online_cpus).toBe(support.cpuCount);
    expect(document.memory_stats.limit).toBeGreaterThan(MB);
    expect(document.memory_stats.stats).toHaveProperty("inactive_file");
  });
});

test("a group that is gone is a conflict for freezing, and zeros for counting", async () => {
  await expect(freeze(layout, "/no-such-group")).rejects.toMatchObject({ kind: "conflict", code: "CGROUP_GONE" });
  const sample = await readStats(layout, "/no-such-group", null);
  expect(sample.cpu.cpu_usage.total_usage).toBe(0);
  expect(sample.pids).toEqual({});
});

test("looking at what the machine supports leaves nothing behind", () => {
  expect(support.files.has("pids.max")).toBe(true);
  for (const tree of layout.trees.values()) expect(existsSync(join(tree, `lighter-probe-${process.pid}`))).toBe(false);
});
