import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { readCgroupLayout } from "../../src/runtime/cgroup.ts";
import { eventually } from "../harness/deadline.ts";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";

let engine: TestEngine;
let host: string;

beforeAll(async () => {
  host = mkdtempSync(join(tmpdir(), "lighter-host-config-"));
  engine = await startEngine();
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  rmSync(host, { recursive: true });
});

const isV1 = readCgroupLayout().version === 1;

function mount(...args: string[]): void {
  const { status, stderr } = spawnSync("mount", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}

/** A shared mount of the host with another one in it, until disposed. */
function sharedTree(name: string): { readonly path: string } & Disposable {
  const path = join(host, name);
  mkdirSync(path);
  mount("-t", "tmpfs", "lighter-test", path);
  mount("--make-shared", path);
  for (const directory of ["inner", "of-the-host", "of-the-container"]) mkdirSync(join(path, directory));
  mount("-t", "tmpfs", "lighter-test", join(path, "inner"));
  writeFileSync(join(path, "inner/file"), "");
  return { path, [Symbol.dispose]: () => void spawnSync("umount", ["--recursive", path]) };
}

/** Docker too leaves a parent that was asked for. @returns undefined while a container's groups are in it. */
function removeGroups(parent: string): true | undefined {
  const groups = [...new Set(readCgroupLayout().trees.values())].map((tree) => join(tree, parent));
  spawnSync("rmdir", groups);
  return groups.some((group) => existsSync(group)) ? undefined : true;
}

describe.each(["docker", "lighter"] as const)("%s run", (cli) => {
  const run = (...args: string[]) => engine[cli]("run", "--rm", "--network", "none", ...args);
  const output = async (...args: string[]) => {
    const { stdout, stderr, exitCode } = await run(...args);
    expect([stderr, exitCode]).toEqual(["", 0]);
    return stdout.trim();
  };
  const sh = (script: string) => ["busybox", "sh", "-c", script];

  test("--device-cgroup-rule opens nodes of that number and no other", async () => {
    const script = "mknod /a c 10 200; mknod /b c 10 228; cat /a; cat /b";
    const { stderr } = await run("--device-cgroup-rule", "c 10:200 r", ...sh(script));
    expect(stderr).not.toContain("can't open '/a': Operation not permitted");
    expect(stderr).toContain("can't open '/b': Operation not permitted");
  });

  test.each([
    ["uts", "--uts"],
    ["pid", "--pid"],
    ["ipc", "--ipc"],
    ["cgroup", "--cgroupns"],
  ])("the host's %s namespace is shared where asked for, and not otherwise", async (namespace, flag) => {
    const ours = readlinkSync(`/proc/self/ns/${namespace}`);
    expect(await output(flag, "host", "busybox", "readlink", `/proc/self/ns/${namespace}`)).toBe(ours);
    expect(await output("busybox", "readlink", `/proc/self/ns/${namespace}`)).not.toBe(ours);
  });

  test("--uts host has the host's name, --userns host its users", async () => {
    expect(await output("--uts", "host", "busybox", "hostname")).toBe(hostname());
    expect(await output("--userns", "host", "busybox", "readlink", "/proc/self/ns/user")).toBe(
      readlinkSync("/proc/self/ns/user"),
    );
  });

  test.skipIf(!isV1)(
    "--oom-kill-disable, --memory-swappiness and --memory-reservation are the memory group's",
    async () => {
      const flags = ["-m", "64m", "--memory-reservation", "32m", "--memory-swappiness", "10", "--oom-kill-disable"];
      const script =
        "cd /sys/fs/cgroup/memory; cat memory.soft_limit_in_bytes memory.swappiness; head -n 1 memory.oom_control";
      expect((await run(...flags, ...sh(script))).stdout).toBe(`${32 << 20}\n10\noom_kill_disable 1\n`);
    },
  );

  test.skipIf(!isV1)("--blkio-weight is the group's, or warned of where the kernel has none", async () => {
    const { stdout, stderr } = await run("--blkio-weight", "300", ...sh("cat /sys/fs/cgroup/blkio/blkio*.weight"));
    expect(stdout || stderr).toMatch(/^300\n$|Weight discarded/);
  });

  test("rates of block devices that are not there are refused", async () => {
    const { stderr, exitCode } = await run("--device-read-bps", "/dev/nosuch:1mb", "busybox", "true");
    expect([stderr, exitCode]).toEqual([expect.stringContaining("stat /dev/nosuch: no such file or directory"), 127]);
  });

  test("--cgroup-parent is where the container's groups are", async () => {
    const parent = `/lighter-${cli}-parent`;
    const script = "sleep 1000";
    const id = (await engine[cli]("run", "-d", "--cgroup-parent", parent, ...sh(script))).stdout.trim();
    const pid = await engine.expectDocker("inspect", "-f", "{{.State.Pid}}", id);
    expect(readFileSync(`/proc/${pid}/cgroup`, "utf8")).toContain(`:${parent}/${id}`);
    await engine.expectDocker("rm", "-f", id);
    await eventually("the parent's groups are empty", () => removeGroups(parent));
  });

  test("--annotation is kept for who asks", async () => {
    const id = (await engine[cli]("create", "--annotation", "org.test=yes", "busybox")).stdout.trim();
    expect(await engine.expectDocker("inspect", "-f", "{{json .HostConfig.Annotations}}", id)).toBe(
      '{"org.test":"yes"}',
    );
    await engine.expectDocker("rm", id);
  });

  test("bind-recursive decides on the mounts below a bind: none, read-only or not", async () => {
    using tree = sharedTree(`${cli}-recursive`);
    const bind = (options: string) => ["--mount", `type=bind,source=${tree.path},target=/m${options}`];
    const script =
      "ls /m/inner; touch /m/x 2>/dev/null && echo outer; touch /m/inner/x 2>/dev/null && echo inner; true";
    expect(await output(...bind(",bind-recursive=disabled,readonly"), ...sh(script))).toBe("");
    expect(await output(...bind(",readonly"), ...sh(script))).toBe("file");
    const forced = ",readonly,bind-recursive=readonly,bind-propagation=rprivate";
    expect(await output(...bind(forced), ...sh(script))).toBe("file");
    expect(await output(...bind(",readonly,bind-recursive=writable"), ...sh(script))).toBe("file\ninner");
  });

  test("mounts travel between host and container as the propagation says", async () => {
    using tree = sharedTree(`${cli}-propagation`);
    const start = async (propagation: string) => {
      const bind = `type=bind,source=${tree.path},target=/m,bind-propagation=${propagation}`;
      const { stdout } = await engine[cli]("run", "-d", "--privileged", "--mount", bind, "busybox", "sleep", "1000");
      return stdout.trim();
    };
    const inside = (id: string, script: string) => engine.expectDocker("exec", id, "sh", "-c", script);
    const [shared, slave, closed] = [await start("rshared"), await start("rslave"), await start("rprivate")];
    await inside(shared, "mount -t tmpfs inside /m/of-the-container; touch /m/of-the-container/file");
    expect(existsSync(join(tree.path, "of-the-container/file"))).toBe(true);
    await inside(shared, "umount /m/of-the-container");
    mount("-t", "tmpfs", "lighter-test", join(tree.path, "of-the-host"));
    writeFileSync(join(tree.path, "of-the-host/file"), "");
    for (const id of [shared, slave]) expect(await inside(id, "ls /m/of-the-host")).toBe("file");
    expect(await inside(closed, "ls /m/of-the-host")).toBe("");
    await inside(slave, "mount -t tmpfs inside /m/of-the-container; touch /m/of-the-container/file");
    expect(existsSync(join(tree.path, "of-the-container/file"))).toBe(false);
    await engine.expectDocker("rm", "-f", shared, slave, closed);
  });
});

test("fields that no flag has: no network at all, a missing bind source that is made", async () => {
  const source = join(host, "made");
  const create = async (body: Record<string, unknown>, name: string) => {
    const response = await engine.api(`/v1.51/containers/create?name=${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ Image: "busybox", ...body }),
    });
    expect([response.status, await response.text()]).toEqual([201, expect.stringContaining("Id")]);
    return engine.expectDocker("start", "--attach", name);
  };
  expect(await create({ Cmd: ["ls", "/sys/class/net"], NetworkDisabled: true }, "alone")).toBe("lo");
  expect(await engine.expectDocker("inspect", "-f", "{{json .NetworkSettings.Networks}}", "alone")).toBe("{}");
  const mounts = [{ Type: "bind", Source: source, Target: "/m", BindOptions: { CreateMountpoint: true } }];
  expect(await create({ Cmd: ["stat", "-c", "%F", "/m"], HostConfig: { Mounts: mounts } }, "maker")).toBe("directory");
  expect(existsSync(source)).toBe(true);
  await engine.expectDocker("rm", "alone", "maker");
});
