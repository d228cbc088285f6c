import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { readCgroupLayout } from "../../src/runtime/cgroup.ts";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";

let engine: TestEngine;

beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine[Symbol.asyncDispose]());

function sh(script: string): string[] {
  return ["busybox", "sh", "-c", script];
}

const VERSION = readCgroupLayout().version;
const MEMORY = VERSION === 1 ? "memory/memory.limit_in_bytes" : "memory.max";
const CPU = VERSION === 1 ? "cpu/cpu.cfs_quota_us" : "cpu.max";
const CPUSET = VERSION === 1 ? "cpuset/cpuset.cpus" : "cpuset.cpus";
const PIDS = VERSION === 1 ? "pids/pids.max" : "pids.max";

describe.each(["docker", "lighter"] as const)("%s run", (cli) => {
  const run = (...args: string[]) => engine[cli]("run", "--rm", "--network", "none", ...args);
  const output = async (...args: string[]) => {
    const { stdout, stderr, exitCode } = await run(...args);
    expect([stderr, exitCode]).toEqual(["", 0]);
    return stdout.trim();
  };

  test("limits are in the container's own control groups, and inspect shows them", async () => {
    const name = `${cli}-limited`;
    await engine.expectDocker(
      "run",
      "-d",
      "--name",
      name,
      "--memory",
      "64m",
      "--cpus",
      "0.5",
      "--cpuset-cpus",
      "0",
      "--pids-limit",
      "50",
      "--cpu-shares",
      "512",
      "busybox",
      "sleep",
      "1000",
    );
    const files = await engine.expectDocker(
      "exec",
      name,
      "sh",
      "-c",
      `cd /sys/fs/cgroup; cat ${MEMORY} ${CPU} ${CPUSET} ${PIDS}; nproc`,
    );
    expect(files.split("\n")).toEqual([String(64 << 20), VERSION === 1 ? "50000" : "50000 100000", "0", "50", "1"]);
    const format =
      "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.NanoCpus}} {{.HostConfig.CpusetCpus}} {{.HostConfig.PidsLimit}} {{.HostConfig.CpuShares}}";
    expect(await engine.expectDocker("inspect", "-f", format, name)).toBe("67108864 134217728 500000000 0 50 512");
    await engine.expectDocker("rm", "-f", name);
  });

  test("a container that takes more memory than it may is killed: 137, and inspect says why", async () => {
    const name = `${cli}-oom`;
    const { exitCode } = await engine[cli](
      "run",
      "--name",
      name,
      "--network",
      "none",
      "-m",
      "16m",
      "busybox",
      "tail",
      "/dev/zero",
    );
    expect(exitCode).toBe(137);
    expect(await engine.expectDocker("inspect", "-f", "{{.State.OOMKilled}} {{.State.ExitCode}}", name)).toBe(
      "true 137",
    );
    await engine.expectDocker("rm", name);
    await engine.lighter("run", "--name", name, "--network", "none", "-m", "16m", ...sh("kill -9 $$; exit 3"));
    expect(await engine.expectDocker("inspect", "-f", "{{.State.OOMKilled}}", name)).toBe("false");
    await engine.expectDocker("rm", name);
  });

  test("processes beyond --pids-limit are not made", async () => {
    const { stderr, exitCode } = await run(
      "--pids-limit",
      "5",
      ...sh("for i in 1 2 3 4 5 6; do sleep 0.2 & done; wait"),
    );
    expect([stderr, exitCode]).toEqual(["sh: can't fork: Resource temporarily unavailable\n", 2]);
  });

  test("--ulimit sets both limits; what is not named is the engine's", async () => {
    const script = "ulimit -n; ulimit -Hn; ulimit -c; ulimit -Hs";
    const lines = (await output("--ulimit", "nofile=100:200", "--ulimit", "core=0", ...sh(script))).split("\n");
    const hostStack = spawnSync("sh", ["-c", "ulimit -Hs"], { encoding: "utf8" }).stdout.trim();
    expect(lines).toEqual(["100", "200", "0", hostStack]);
  });

  test("--shm-size is the size of /dev/shm, 64 MiB unless told", async () => {
    const size = sh("df -k /dev/shm | awk 'NR==2 {print $2}'");
    expect(await output(...size)).toBe("65536");
    expect(await output("--shm-size", "8m", ...size)).toBe("8192");
  });

  test("--sysctl sets what is the container's own and nothing of the host's", async () => {
    const before = readFileSync("/proc/sys/kernel/msgmax", "utf8");
    expect(
      await output(
        "--sysctl",
        "kernel.msgmax=1234",
        "--sysctl",
        "net.ipv4.ip_default_ttl=42",
        ...sh("sysctl -n kernel.msgmax net.ipv4.ip_default_ttl"),
      ),
    ).toBe("1234\n42");
    expect(readFileSync("/proc/sys/kernel/msgmax", "utf8")).toBe(before);
  });

  test("--device gives the device with its permissions, and others are not made", async () => {
    expect(await output("--device", "/dev/null:/dev/mine:r", ...sh("stat -c %F:%t,%T /dev/mine; cat /dev/mine"))).toBe(
      "character special file:1,3",
    );
    const open = "mknod /dev/own c 10 237; : < /dev/own";
    const refused = await run(...sh(open));
    expect([refused.stderr, refused.exitCode]).toEqual([expect.stringContaining("Operation not permitted"), 1]);
    expect(await output("--device-cgroup-rule", "c 10:237 r", ...sh(`${open}; echo opened`))).toBe("opened");
    expect(await output("--device", "/dev/loop-control", ...sh(": < /dev/loop-control; echo opened"))).toBe("opened");
  });

  test("--oom-score-adj is the process's", async () => {
    expect(await output("--oom-score-adj", "500", "busybox", "cat", "/proc/self/oom_score_adj")).toBe("500");
  });

  test.each<[string[], string]>([
    [["-m", "1m"], "Minimum memory limit allowed is 6MB"],
    [["-m", "100m", "--memory-swap", "50m"], "Minimum memoryswap limit should be larger than memory limit, see usage"],
    [
      ["--memory-reservation", "100m", "-m", "50m"],
      "Minimum memory limit can not be less than memory reservation limit, see usage",
    ],
    [
      ["--cpus", "200"],
      `range of CPUs is from 0.01 to ${availableParallelism()}.00, as there are only ${availableParallelism()} CPUs available`,
    ],
    [["--cpuset-cpus", "99"], "Requested CPUs are not available - requested 99, available: "],
    [["--cpu-period", "10", "--cpu-quota", "1"], "CPU cfs period can not be less than 1ms"],
    [
      ["--device", "/dev/nosuch"],
      'error gathering device information while adding custom device "/dev/nosuch": no such file or directory',
    ],
    [
      ["--network", "host", "--sysctl", "net.ipv4.ip_forward=1"],
      'sysctl "net.ipv4.ip_forward" not allowed in host network namespace',
    ],
    [["--ipc", "hots"], "invalid IPC mode: hots"],
    [["--runtime", "nosuch"], "unknown or invalid runtime name: nosuch"],
    [["--stop-signal", "FOO"], "FOO"],
    [["--log-driver", "nosuch"], "no log driver named 'nosuch' is registered"],
  ])("%j is refused, and nothing is made", async (flags, expected) => {
    const before = await engine.expectDocker("ps", "-aq");
    const args = flags.includes("--network")
      ? ["run", "--rm", ...flags]
      : ["run", "--rm", "--network", "none", ...flags];
    const { stderr, exitCode } = await engine[cli](...args, "busybox", "true");
    expect(stderr).toContain(expected);
    expect(exitCode).toBe(expected.includes("no such file") ? 127 : 125);
    expect(await engine.expectDocker("ps", "-aq")).toBe(before);
  });
});
