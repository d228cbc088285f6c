import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readCgroupLayout } from "../../src/runtime/cgroup.ts";
import { createSpec, type RuntimeSettings } from "../../src/runtime/create-spec.ts";
import { resolveDevices } from "../../src/runtime/devices.ts";
import { readHost } from "../../src/runtime/host.ts";
import { resolveSeccomp } from "../../src/runtime/seccomp.ts";
import { DEFAULT_SECCOMP_PROFILE } from "../../src/runtime/seccomp-profile.ts";
import { parseSecurityOptions } from "../../src/runtime/security-options.ts";

/** Our specs through someone else's runtime: what they say has to mean the same there. */

const RUNC = ["/usr/sbin/runc", "/usr/bin/runc"].find((path) => existsSync(path));
const BUSYBOX = "/bin/busybox";
const CGROUP_PARENT = `/lighter-test-${process.pid}`;
const cgroups = readCgroupLayout();
const host = readHost();

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "lighter-runc-"));
  for (const name of ["bin", "etc", "proc", "sys", "dev", "tmp"]) {
    mkdirSync(join(directory, "rootfs", name), { recursive: true });
  }
  writeFileSync(join(directory, "host-file"), "from the host\n");
  if (!existsSync(BUSYBOX)) return;
  copyFileSync(BUSYBOX, join(directory, "rootfs/bin/busybox"));
  symlinkSync("busybox", join(directory, "rootfs/bin/sh"));
});
afterAll(() => {
  rmSync(directory, { recursive: true });
  // runc removes a container's own group, not the parent that it made for it.
  for (const tree of new Set(cgroups.trees.values())) {
    if (existsSync(join(tree, CGROUP_PARENT))) rmdirSync(join(tree, CGROUP_PARENT));
  }
});

/** Runs a shell script in a container and returns what it printed, errors too. */
function run(script: string, changes: Partial<RuntimeSettings> = {}): string {
  const id = `lighter-test-${process.pid}`;
  const settings: RuntimeSettings = {
    id,
    args: ["sh", "-c", script],
    env: ["PATH=/bin"],
    cwd: "",
    user: "",
    groupAdd: [],
    tty: false,
    hostname: "web",
    domainname: "example.org",
    rootPath: join(directory, "rootfs"),
    readonlyRootfs: false,
    privileged: false,
    capAdd: [],
    capDrop: [],
    security: parseSecurityOptions([]),
    maskedPaths: null,
    readonlyPaths: null,
    namespaces: { pid: "private", network: "private", ipc: "private", uts: "private", cgroup: "private" },
    mounts: [],
    etcFiles: null,
    shmSize: 0,
    devices: { nodes: [], rules: [] },
    resources: {},
    cgroupParent: CGROUP_PARENT,
    ulimits: [],
    sysctls: {},
    oomScoreAdj: 0,
    annotations: {},
    ...changes,
  };
  const { spec } = createSpec(settings, host);
  const capabilities = new Set(spec.process.capabilities?.bounding);
  const seccomp = settings.privileged ? undefined : resolveSeccomp(DEFAULT_SECCOMP_PROFILE, { ...host, capabilities });
  writeFileSync(join(directory, "config.json"), JSON.stringify({ ...spec, linux: { ...spec.linux, seccomp } }));
  const state = join(directory, "state");
  const result = spawnSync(RUNC ?? "runc", ["--root", state, "run", "--bundle", directory, id], { encoding: "utf8" });
  return result.stdout + result.stderr;
}

describe.skipIf(!RUNC || !existsSync(BUSYBOX))("a spec that runc runs (needs runc and a static busybox)", () => {
  test("gives the default capabilities, a filter and no new file systems to write to", () => {
    const output = run(`
      grep -E '^(CapEff|CapBnd|CapInh|CapAmb|Seccomp|NoNewPrivs):' /proc/self/status
      mount -t tmpfs x /tmp 2>&1; unshare -U true 2>&1
      echo 1 2>&1 > /proc/sys/kernel/panic; wc -c < /proc/interrupts
      hostname; cat /proc/sys/kernel/domainname; ls /sys/firmware | wc -l
      grep ' /dev/shm ' /proc/mounts; cat /proc/sys/net/ipv4/ping_group_range
    `).replaceAll(/[ \t]+/g, " ");
    expect(output).toContain("CapBnd: 00000000a80425fb\n");
    expect(output).toContain("CapEff: 00000000a80425fb\n");
    expect(output).toContain("CapInh: 0000000000000000\n");
    expect(output).toContain("CapAmb: 0000000000000000\n");
    expect(output).toContain("Seccomp: 2\n");
    expect(output).toContain("mount: permission denied");
    expect(output).toContain("unshare: unshare(0x10000000): Operation not permitted");
    expect(output).toContain("can't create /proc/sys/kernel/panic: Read-only file system");
    expect(output).toContain("\n0\nweb\nexample.org\n0\n");
    expect(output).toMatch(/shm \/dev\/shm tmpfs rw,nosuid,nodev,noexec,relatime,size=65536k/);
    expect(output).toContain("0 2147483647");
  });

  test("has the mounts, devices and limits that were asked for", async () => {
    const devices = await resolveDevices({
      privileged: false,
      mappings: [{ PathOnHost: "/dev/null", PathInContainer: "/dev/void", CgroupPermissions: "rw" }],
      cgroupRules: [],
    });
    const output = run(
      `cat /data/file; echo x 2>&1 > /data/file; echo x 2>&1 > /new; echo lost > /dev/void && echo written
       ulimit -n; df -k /scratch | tail -n1; pwd; id; cat /proc/self/oom_score_adj; cat /sys/fs/cgroup/pids/pids.max`,
      {
        mounts: [
          {
            kind: "bind",
            source: join(directory, "host-file"),
            target: "/data/file",
            readonly: true,
            propagation: "rprivate",
          },
          { kind: "tmpfs", target: "/scratch", options: "size=1m" },
        ],
        readonlyRootfs: true,
        devices,
        ulimits: [{ Name: "nofile", Soft: 100, Hard: 200 }],
        oomScoreAdj: 33,
        resources: { pids: { limit: 99 }, memory: { limit: 64 * 1024 * 1024, swap: 128 * 1024 * 1024 } },
        cwd: "/scratch",
      },
    );
    expect(output).toContain("from the host\n");
    expect(output).toContain("can't create /data/file: Read-only file system");
    expect(output).toContain("can't create /new: Read-only file system");
    expect(output).toContain("written\n100\n");
    expect(output).toMatch(/tmpfs +1024 /);
    expect(output).toContain("/scratch\nuid=0");
    expect(output).toContain("\n33\n99\n");
  });

  test("opens everything to a privileged container", async () => {
    const devices = await resolveDevices({ privileged: true, mappings: [], cgroupRules: [] });
    const output = run("grep -E '^(CapEff|Seccomp):' /proc/self/status; mount -t tmpfs x /tmp && echo mounted", {
      privileged: true,
      devices,
    });
    const mask = [...host.capabilities].length;
    const effective = BigInt(`0x${/CapEff:\s*(\w+)/.exec(output)?.[1]}`);
    expect(effective.toString(2).replaceAll("0", "")).toHaveLength(mask);
    expect(output).toMatch(/Seccomp:\s+0/);
    expect(output).toContain("mounted");
  });
});
