import { beforeAll, expect, test } from "bun:test";
import { runInGuest } from "./guest.ts";

/** A host with cgroup v2 alone: limits, device rules, the freezer, figures, and that nothing stays. */

const STEPS = {
  limits: `lighter run --rm --network none --memory 32m --memory-reservation 16m --memory-swap 48m --cpus 0.5 \\
      --cpu-shares 512 --cpuset-cpus 0 --pids-limit 50 busybox sh -c 'cat /proc/self/cgroup; cd /sys/fs/cgroup; 
      cat memory.max memory.low memory.swap.max cpu.max cpu.weight cpuset.cpus pids.max'`,
  oom: `lighter run --name oom --network none --memory 16m busybox sh -c 'a=x; while :; do a=$a$a; done'; echo $?
    lighter inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' oom`,
  devices: `lighter run --rm --network none busybox sh -c 'mknod /tmp/disk b 8 0 && cat /tmp/disk; echo x > /dev/null && echo null'
    lighter run --rm --network none --device /dev/kmsg:/dev/kmsg:w busybox sh -c 'echo x > /dev/kmsg && echo written; cat /dev/kmsg'
    lighter run --rm --network none --privileged busybox sh -c 'head -c 1 /dev/mem | wc -c'`,
  running: `lighter run -d --name box --network none busybox sleep 1000 > /dev/null
    lighter exec box cat /proc/self/cgroup
    lighter stats --no-stream --format '{{.PIDs}}' box`,
  paused: `lighter pause box; lighter ps --format '{{.Status}}'; cat /sys/fs/cgroup/lighter/*/cgroup.events
    lighter unpause box; lighter exec box echo awake`,
  updated: `lighter update --memory 64m --memory-swap 64m --cpus 1 --pids-limit 20 box > /dev/null
    lighter exec box sh -c 'cd /sys/fs/cgroup; cat memory.max cpu.max pids.max'`,
  removed: `lighter rm -f box oom > /dev/null; lighter ps -aq
    find /sys/fs/cgroup/lighter -mindepth 1 -type d -not -name 'berth-*'`,
} as const;

let printed: ReadonlyMap<string, string>;

beforeAll(async () => {
  const script = Object.entries(STEPS).map(([name, commands]) => `echo "== ${name}"\n${commands}\n`);
  const output = await runInGuest(`lighter template build busybox\n${script.join("")}echo "== end"\n`);
  const sections = output.split(/^== (\w+)\n/m).slice(1);
  printed = new Map(sections.flatMap((name, at) => (at % 2 === 0 ? [[name, sections[at + 1] ?? ""] as const] : [])));
  if (!printed.has("end")) throw new Error(`the machine did not come to the end:\n${output}`);
}, 300_000);

function said(step: keyof typeof STEPS): string[] {
  // The kernel's own lines come in between.
  return (printed.get(step) ?? "").split("\n").filter((line) => line !== "" && !/^\[ *\d+\.\d+\]/.test(line));
}

test("limits are what was asked for, seen from a cgroup namespace", () => {
  const [path, ...limits] = said("limits");
  expect(path).toBe("0::/");
  expect(limits).toEqual(["33554432", "16777216", "16777216", "50000 100000", "20", "0", "50"]);
});

test("who takes too much memory is killed, and inspect says why", () => {
  expect(said("oom")).toEqual(["137", "true 137"]);
});

test("devices are closed but for the usual and those that were given, for what they were given for", () => {
  expect(said("devices")).toEqual([
    "cat: can't open '/tmp/disk': Operation not permitted",
    "null",
    "written",
    "cat: can't open '/dev/kmsg': Operation not permitted",
    "1",
  ]);
});

test("an exec is in the container's group, and the shim's own process is not counted", () => {
  expect(said("running")).toEqual(["0::/", "1"]);
});

test("pause freezes, and unpause thaws", () => {
  const [name, status, ...rest] = said("paused");
  expect([name, status?.replace(/^Up .* \(/, "(")]).toEqual(["box", "(Paused)"]);
  expect(rest.filter((line) => line === "frozen 1")).toHaveLength(1);
  expect(rest.slice(-2)).toEqual(["box", "awake"]);
});

test("update changes limits while the container runs", () => {
  expect(said("updated")).toEqual(["67108864", "100000 100000", "20"]);
});

test("no group stays when containers are gone", () => {
  expect(said("removed")).toEqual([]);
});
