import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";

/** One container that most of the tests look into, as its root, with Docker's defaults. */
const INSIDE = "inside";
let engine: TestEngine;
let host: string;

beforeAll(async () => {
  host = mkdtempSync(join(tmpdir(), "lighter-isolation-"));
  writeFileSync(join(host, "secret"), "host\n");
  engine = await startEngine();
  await engine.expectDocker("run", "-d", "--name", INSIDE, "busybox", "sleep", "1000");
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  rmSync(host, { recursive: true });
});

function inside(script: string) {
  return engine.docker("exec", INSIDE, "sh", "-c", script);
}

async function says(script: string): Promise<string> {
  return (await engine.expectDocker("exec", INSIDE, "sh", "-c", script)).trim();
}

describe("a container sees what Docker's shows", () => {
  test("fourteen capabilities, a filter, and rights that can be regained", async () => {
    for (const process of ["1", "self"]) {
      expect((await says(`grep -E '^(Cap|Seccomp:|NoNewPrivs)' /proc/${process}/status`)).split("\n")).toEqual([
        "CapInh:\t0000000000000000",
        "CapPrm:\t00000000a80425fb",
        "CapEff:\t00000000a80425fb",
        "CapBnd:\t00000000a80425fb",
        "CapAmb:\t0000000000000000",
        "NoNewPrivs:\t0",
        "Seccomp:\t2",
      ]);
    }
  });

  test("namespaces of its own, all but the user's and the clock's", async () => {
    for (const kind of ["mnt", "pid", "net", "ipc", "uts", "cgroup"]) {
      expect(await says(`readlink /proc/1/ns/${kind}`)).not.toBe(readlinkSync(`/proc/self/ns/${kind}`));
      expect(await says(`test $(readlink /proc/1/ns/${kind}) = $(readlink /proc/self/ns/${kind}) && echo same`)).toBe(
        "same",
      );
    }
    expect(await says("readlink /proc/1/ns/user")).toBe(readlinkSync("/proc/self/ns/user"));
  });

  test("its program as the first process, with its own arguments and environment and no others", async () => {
    expect(await says("tr '\\0' ' ' < /proc/1/cmdline; cat /proc/1/comm; set -- /proc/[0-9]*; echo $#")).toBe(
      "sleep 1000 sleep\n2",
    );
    const environment = (await says("tr '\\0' '\\n' < /proc/1/environ")).split("\n").map((line) => line.split("=")[0]);
    expect(environment.sort()).toEqual(["HOME", "HOSTNAME", "PATH"]);
  });

  test("the first twelve digits of its id as host name", async () => {
    const id = await engine.expectDocker("inspect", "-f", "{{.Id}}", INSIDE);
    expect(await says("hostname; cat /etc/hostname")).toBe(`${id.slice(0, 12)}\n${id.slice(0, 12)}`);
  });

  test("Docker's mounts with Docker's options, and no path of the host but the three files'", async () => {
    const lines = (await says("awk '{print $5, $6}' /proc/self/mountinfo")).split("\n");
    const options = new Map(lines.map((line) => [line.split(" ")[0], line.split(" ")[1]]));
    const expected: Record<string, string> = {
      "/": "rw",
      "/proc": "rw,nosuid,nodev,noexec",
      "/dev": "rw,nosuid",
      "/dev/pts": "rw,nosuid,noexec",
      "/dev/shm": "rw,nosuid,nodev,noexec",
      "/dev/mqueue": "rw,nosuid,nodev,noexec",
      "/sys": "ro,nosuid,nodev,noexec",
      "/sys/fs/cgroup": "ro,nosuid,nodev,noexec",
      "/proc/sys": "ro,nosuid,nodev,noexec",
      "/proc/bus": "ro,nosuid,nodev,noexec",
      "/proc/fs": "ro,nosuid,nodev,noexec",
      "/proc/irq": "ro,nosuid,nodev,noexec",
    };
    for (const [path, wanted] of Object.entries(expected))
      expect(`${path} ${options.get(path)}`).toStartWith(`${path} ${wanted}`);
    const sources = await says("awk '$4 ~ /lighter-root/ {print $5}' /proc/self/mountinfo | sort");
    expect(sources).toBe("/etc/hostname\n/etc/hosts\n/etc/resolv.conf");
  });

  test("masked files empty, masked directories bare, and what is read-only refuses", async () => {
    for (const path of ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/latency_stats", "/proc/sched_debug"]) {
      expect(await says(`test ! -e ${path} || head -c1 ${path} | wc -c`)).toMatch(/^0?$/);
    }
    for (const path of ["/proc/acpi", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap"]) {
      expect(await says(`test ! -e ${path} || ls -A ${path}`)).toBe("");
    }
    for (const path of [
      "/proc/sys/kernel/hostname",
      "/proc/sysrq-trigger",
      "/proc/irq/default_smp_affinity",
      "/sys/kernel/mm/transparent_hugepage/enabled",
    ]) {
      const { stderr, exitCode } = await inside(
        `test -e ${path} || { echo "can't create: Read-only" >&2; exit 1; }; echo 1 > ${path}`,
      );
      expect([stderr, exitCode]).toEqual([expect.stringMatching(/Read-only|Permission denied|nonexistent/), 1]);
    }
  });

  test("the devices of the runtime specification and no others", async () => {
    const devices = await says("cd /dev; for f in *; do stat -c '%n %F' $f; done | grep -v 'symbolic link' | sort");
    expect(devices.split("\n").map((line) => line.split(" ")[0])).toEqual(
      ["full", "mqueue", "null", "ptmx", "pts", "random", "shm", "tty", "urandom", "zero"].filter(
        (name) => name !== "ptmx",
      ),
    );
  });

  test("its control groups as the root of them all", async () => {
    expect(await says("cut -d: -f3 /proc/self/cgroup | sort -u")).toBe("/");
    const { stderr } = await inside("mkdir /sys/fs/cgroup/memory/x /sys/fs/cgroup/x");
    expect(stderr).toMatch(/Read-only file system/);
  });
});

describe("a container cannot", () => {
  test.each([
    ["mount", "mkdir -p /m; mount -t tmpfs none /m", "permission denied|Operation not permitted"],
    ["remount a read-only place", "mount -o remount,rw,bind /proc/sys", "permission denied|Operation not permitted"],
    ["unmount what masks", "umount /proc/keys", "Operation not permitted|Permission denied"],
    ["make and open a disk", "rm -f /disk; mknod /disk b 254 0; head -c1 /disk", "Operation not permitted"],
    ["reboot", "reboot -f; reboot -nf", "Operation not permitted"],
    ["set the clock", "date -s 2001-01-01; test $(date +%Y) = 2001", "Operation not permitted"],
    ["load a module", "echo x > /x.ko; insmod /x.ko", "Operation not permitted"],
    ["rename its host", "hostname other", "Operation not permitted"],
    ["make namespaces", "unshare -m true", "Operation not permitted"],
    ["make a user namespace", "unshare -U true", "Operation not permitted"],
    ["join its own namespace anew", "nsenter -t 1 -n true", "Operation not permitted"],
    ["change its network", "ip link add x type dummy", "Operation not permitted"],
    ["read the kernel's messages", "dmesg", "Operation not permitted|klogctl"],
    ["turn swap off", "swapoff /x", "Operation not permitted|No such file"],
    ["raise its limits", "ulimit -Hn unlimited", "Operation not permitted|error setting limit"],
    ["lower its nice value", "renice -n -10 -p $$", "Permission denied"],
  ])("%s", async (_, script, expected) => {
    const { stderr, stdout, exitCode } = await inside(script);
    expect(stderr + stdout).toMatch(new RegExp(expected, "i"));
    expect(exitCode).not.toBe(0);
  });

  test("see or signal the host's processes", async () => {
    expect(await says(`test -e /proc/${process.pid}/stat && cat /proc/${process.pid}/comm || echo none`)).not.toBe(
      "bun",
    );
    expect((await inside(`kill -0 ${process.pid}`)).exitCode).toBe(1);
    const shared = await engine.docker(
      "run",
      "--rm",
      "--pid",
      "host",
      "busybox",
      "sh",
      "-c",
      `readlink /proc/1/root; readlink /proc/${process.pid}/exe`,
    );
    expect([shared.stdout, shared.exitCode]).toEqual(["", 1]);
  });
});

describe("known ways out", () => {
  test("CVE-2019-5736: the program that enters a container is not there to be overwritten", async () => {
    const shim = join(engine.paths.run, "bin");
    const before = digests(shim);
    // The classic: a program of the container is a link to who enters it, and meanwhile all others are opened for writing.
    const script = [
      "ln -sf /proc/self/exe /trap; echo ready",
      "while test ! -e /enough; do for p in /proc/[0-9]*; do",
      "case $(readlink $p/exe) in '' | */busybox) ;; *) (echo broken > $p/exe) 2>/dev/null && echo written ;; esac",
      "done; done; exit 0",
    ].join("\n");
    await using attacker = engine.terminal("docker", ["exec", "-t", INSIDE, "sh", "-c", script]);
    await attacker.waitFor("ready");
    for (let count = 0; count < 5; count++) await engine.docker("exec", INSIDE, "/trap", "--version");
    await engine.docker("exec", INSIDE, "touch", "/enough");
    expect(await attacker.exited()).toBe(0);
    expect(attacker.screen).not.toContain("written");
    expect(digests(shim)).toEqual(before);
    expect(await says("echo alive")).toBe("alive");
  });

  test("CVE-2024-21626: no descriptor of the host is inherited, by the first process or by an exec", async () => {
    for (const process of ["1", "self"]) {
      const links = await says(`for f in /proc/${process}/fd/*; do readlink $f; done; true`);
      for (const link of links.split("\n").filter(Boolean))
        expect(link).toMatch(/^(pipe:|\/dev\/(null|pts)|\/proc\/\d+\/fd$)/);
    }
  });

  test.each([3, 5, 7, 8, 9, 10])(
    "CVE-2024-21626: /proc/self/fd/%d as working directory is not a way to the host",
    async (fd) => {
      const cwd = `/proc/self/fd/${fd}`;
      const command = ["cat", `../../../../../../..${host}/secret`];
      const run = await engine.docker("run", "--rm", "--network", "none", "-w", cwd, "busybox", ...command);
      const exec = await engine.docker("exec", "-w", cwd, INSIDE, ...command);
      expect([run.exitCode, exec.exitCode]).not.toContain(0);
      expect(run.stdout + exec.stdout).not.toContain("host\n");
    },
  );

  test("CVE-2021-30465: a volume's link is not followed out of the container when a mount lies on it", async () => {
    const target = join(host, "target");
    mkdirSync(target, { recursive: true });
    const volume = join(engine.root, "volumes/race/_data");
    await engine.expectDocker("volume", "create", "race");
    symlinkSync(target, join(volume, "link"));
    symlinkSync("/", join(volume, "root"));
    symlinkSync("../../../../../..", join(volume, "up"));
    // Each second mount's place lies behind a link that the first mount brings along.
    for (const place of ["/race/link/x", `/race/root${target}/x`, `/race/up${target}/x`]) {
      await engine.docker(
        "run",
        "--rm",
        "--network",
        "none",
        "-v",
        "race:/race",
        "--tmpfs",
        place,
        "busybox",
        "touch",
        `${place}/made`,
      );
      expect(readdirSync(target)).toEqual([]);
    }
  });

  test("links of an image that point at the host are made to lead somewhere inside the container", async () => {
    const links = `ln -s ${host} /srv; ln -s ../../../../..${host} /up`;
    await engine.expectDocker("run", "--name", "maker", "--network", "none", "busybox", "sh", "-c", links);
    await engine.expectDocker("commit", "maker", "hostile");
    for (const place of ["/srv/made", "/up/made"]) {
      const { exitCode } = await engine.docker(
        "run",
        "--rm",
        "--network",
        "none",
        "-w",
        place,
        "--tmpfs",
        `${place}-tmpfs`,
        "-v",
        `filled:${place}-volume`,
        "hostile",
        "true",
      );
      expect(exitCode).toBe(0);
    }
    expect(readdirSync(host).sort()).toEqual(["secret", "target"].filter((name) => existsSync(join(host, name))));
  });

  test("CVE-2019-14271 and its kin: cp reads and writes inside the container alone, whatever links say", async () => {
    await says(
      `ln -sfn ${host} /way; ln -sfn ${host}/secret /file; ln -sfn ../../../../../../../..${host} /up; mkdir -p /lib`,
    );
    for (const cli of ["docker", "lighter"] as const) {
      for (const path of ["/way/secret", "/up/secret"]) {
        const { stdout, exitCode } = await engine[cli]("cp", `${INSIDE}:${path}`, "-");
        expect([stdout, exitCode]).toEqual(["", 1]);
      }
      const followed = await engine[cli]("cp", "-L", `${INSIDE}:/file`, "-");
      expect(followed.stdout).not.toContain("host\n");
      writeFileSync(join(host, "new"), "new\n");
      for (const path of ["/way/planted", "/file", "/up/planted"])
        await engine[cli]("cp", join(host, "new"), `${INSIDE}:${path}`);
      rmSync(join(host, "new"));
      expect(readFileSync(join(host, "secret"), "utf8")).toBe("host\n");
      expect(existsSync(join(host, "planted"))).toBe(false);
    }
  });

  test("CVE-2022-0492: no release agent is the container's to set", async () => {
    const { stdout } = await inside(
      "find /sys/fs/cgroup -name release_agent -exec sh -c 'echo /x > $1 && echo set' _ {} \\; 2>/dev/null; true",
    );
    expect(stdout).toBe("");
  });

  test("CVE-2016-9962: the process that joins for an exec cannot be traced from inside", async () => {
    // Non-dumpable until it is the program, it belongs to the host's root for /proc; a joiner's descriptors stay shut.
    const watch =
      "for n in 1 2 3 4 5 6 7 8 9; do for p in /proc/[0-9]*; do ls -l $p/fd 2>/dev/null; done; done | grep -c -e /run/lighter -e lighter-root; true";
    const [seen] = await Promise.all([
      says(watch),
      ...Array.from({ length: 10 }, () => engine.lighter("exec", INSIDE, "true")),
    ]);
    expect(seen).toBe("0");
  });

  test("the host's directories of the engine are root's alone", async () => {
    for (const path of [engine.root, engine.paths.run]) expect(statSync(path).mode & 0o007).toBeLessThanOrEqual(0o001);
  });
});

/** Of each file in a directory. */
function digests(directory: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(directory).map((name) => [
      name,
      createHash("sha256")
        .update(readFileSync(join(directory, name)))
        .digest("hex"),
    ]),
  );
}
