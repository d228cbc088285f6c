import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";

let engine: TestEngine;
let host: string;

beforeAll(async () => {
  host = mkdtempSync(join(tmpdir(), "lighter-mounts-"));
  writeFileSync(join(host, "file"), "from the host\n");
  engine = await startEngine();
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  rmSync(host, { recursive: true });
});

function sh(script: string): string[] {
  return ["busybox", "sh", "-c", script];
}

describe.each(["docker", "lighter"] as const)("%s run", (cli) => {
  const run = (...args: string[]) => engine[cli]("run", "--rm", "--network", "none", ...args);
  const output = async (...args: string[]) => {
    const { stdout, stderr, exitCode } = await run(...args);
    expect([stderr, exitCode]).toEqual(["", 0]);
    return stdout.replace(/\n$/, "");
  };
  const refusal = async (...args: string[]) => {
    const { stderr, exitCode } = await run(...args);
    expect(exitCode).toBe(125);
    return stderr;
  };

  test("-v binds a directory or a file of the host, for both sides to write", async () => {
    await output(
      "-v",
      `${host}:/h`,
      "-v",
      `${host}/file:/etc/one`,
      ...sh(`cat /h/file /etc/one > /h/${cli}; echo more >> /etc/one`),
    );
    expect(readFileSync(join(host, cli), "utf8")).toBe("from the host\nfrom the host\n");
    expect(readFileSync(join(host, "file"), "utf8")).toBe("from the host\nmore\n");
    writeFileSync(join(host, "file"), "from the host\n");
  });

  test.each([
    ["-v", (path: string) => `${path}:/h:ro`],
    ["--mount", (path: string) => `type=bind,src=${path},dst=/h,readonly`],
  ])("a read-only bind by %s is not written, nor made writable by its own root", async (flag, value) => {
    const script = "echo x > /h/new; mount -o remount,rw,bind /h; echo $?; cat /h/file";
    const { stdout, stderr } = await run(flag, value(host), ...sh(script));
    expect(stderr).toContain("can't create /h/new: Read-only file system");
    expect(stdout).toBe("1\nfrom the host\n");
  });

  test("a read-only bind is so in the mounts below it too", async () => {
    const below = join(host, "below");
    mkdirSync(below, { recursive: true });
    mountTmpfs(below);
    try {
      const { stdout, stderr } = await run(
        "-v",
        `${host}:/h:ro`,
        ...sh("grep -c ' /h/below ' /proc/mounts; echo x > /h/below/x"),
      );
      expect([stdout, stderr]).toEqual(["1\n", expect.stringContaining("Read-only file system")]);
    } finally {
      spawnSync("umount", [below]);
    }
  });

  test("-v makes a missing source a directory, --mount refuses it", async () => {
    const missing = join(host, `${cli}-missing/deep`);
    expect(await refusal("--mount", `type=bind,src=${missing},dst=/h`, "busybox")).toContain(
      `invalid mount config for type "bind": bind source path does not exist: ${missing}`,
    );
    expect(existsSync(missing)).toBe(false);
    expect(await output("-v", `${missing}:/h`, ...sh("stat -c %F /h"))).toBe("directory");
    expect(statSync(missing).isDirectory()).toBe(true);
  });

  test("a directory is not bound on a file, nor a file on a directory, and the host is left as it was", async () => {
    expect(await refusal("-v", `${host}/file:/tmp`, ...sh("true"))).toContain(
      "Are you trying to mount a directory onto a file (or vice-versa)?",
    );
    expect(await refusal("-v", `${host}:/etc/passwd`, ...sh("true"))).toContain(
      "Are you trying to mount a directory onto a file (or vice-versa)?",
    );
  });

  test("mounts below mounts appear whatever the order of the flags", async () => {
    const files = await output(
      "-v",
      `${host}/file:/a/b/c/file`,
      "--tmpfs",
      "/a/b",
      "-v",
      `${cli}-nest:/a`,
      ...sh("cat /a/b/c/file; grep -c ' /a' /proc/mounts"),
    );
    expect(files).toBe("from the host\n3");
  });

  test("a named volume begins with what the image has there, and keeps what is written", async () => {
    const volume = `${cli}-data`;
    const listing = await output(
      "-v",
      `${volume}:/etc`,
      ...sh("ls /etc/passwd; stat -c %a /etc; echo mine > /etc/mine"),
    );
    expect(listing).toBe("/etc/passwd\n755");
    expect(await output("-v", `${volume}:/data`, ...sh("cat /data/mine; head -n1 /data/passwd | cut -d: -f1"))).toBe(
      "mine\nroot",
    );
    expect(await output("-v", `${cli}-nocopy:/etc:nocopy`, ...sh("ls /etc/passwd 2>&1 || true"))).toContain(
      "No such file",
    );
    expect(
      await output(
        "--mount",
        `type=volume,src=${cli}-nocopy2,dst=/etc,volume-nocopy`,
        ...sh("ls /etc/passwd 2>&1 || true"),
      ),
    ).toContain("No such file");
    const { stderr } = await run("-v", `${volume}:/data:ro`, ...sh("rm /data/mine"));
    expect(stderr).toContain("Read-only file system");
    expect(readFileSync(join(engine.root, "volumes", volume, "_data/mine"), "utf8")).toBe("mine\n");
  });

  test("owners and modes of the image's directory become the volume's", async () => {
    await engine.docker("rm", "-f", `${cli}-maker`);
    await engine.expectDocker(
      "run",
      "--name",
      `${cli}-maker`,
      "--network",
      "none",
      ...sh("mkdir -m 1730 /own; echo x > /own/f; chown -R 7:8 /own"),
    );
    await engine.expectDocker("commit", `${cli}-maker`, `${cli}-own`);
    expect(await output("-v", "/own", `${cli}-own`, "stat", "-c", "%u:%g:%a", "/own", "/own/f")).toBe(
      "7:8:1730\n7:8:644",
    );
  });

  test("--volumes-from shares another container's mounts, read-only where said", async () => {
    const donor = `${cli}-donor`;
    await engine.expectDocker("create", "--name", donor, "-v", "/anonymous", "-v", `${host}:/h`, "busybox");
    await output("--volumes-from", donor, ...sh("echo shared > /anonymous/x"));
    expect(await output("--volumes-from", donor, ...sh("cat /anonymous/x /h/file"))).toBe("shared\nfrom the host");
    const { stderr } = await run("--volumes-from", `${donor}:ro`, ...sh("echo x > /anonymous/x"));
    expect(stderr).toContain("Read-only file system");
    expect(await refusal("--volumes-from", "nosuch", "busybox")).toContain("No such container: nosuch");
    await engine.expectDocker("rm", "-v", donor);
  });

  test("--tmpfs and --mount type=tmpfs are empty, bounded and private", async () => {
    const script =
      "grep ' /t' /proc/mounts | sort; stat -c %a /t1 /t2; dd if=/dev/zero of=/t1/x bs=1k count=2000 2>&1 | grep -c 'No space'; cp /bin/busybox /t2/ && /t2/busybox true 2>/dev/null; echo $?";
    const lines = (
      await output(
        "--tmpfs",
        "/t1:size=1m,mode=700",
        "--mount",
        "type=tmpfs,dst=/t2,tmpfs-size=4m,tmpfs-mode=1770",
        ...sh(script),
      )
    ).split("\n");
    expect(lines[0]).toMatch(/^tmpfs \/t1 tmpfs rw,nosuid,nodev,noexec,.*size=1024k,mode=700/);
    expect(lines[1]).toMatch(/^tmpfs \/t2 tmpfs rw,nosuid,nodev,noexec,.*size=4096k,mode=1770/);
    expect(lines.slice(2)).toEqual(["700", "1770", "1", "126"]);
    expect(await output("--tmpfs", "/t:exec", ...sh("cp /bin/busybox /t/ && /t/busybox echo runs"))).toBe("runs");
  });

  test("--read-only leaves mounts and /dev/shm writable, and nothing else", async () => {
    const script =
      "for f in /x /etc/x /usr/x; do touch $f 2>/dev/null && echo $f; done; touch /v/x /t/x /dev/shm/x /h/ro && echo written";
    expect(await output("--read-only", "-v", "/v", "--tmpfs", "/t", "-v", `${host}:/h`, ...sh(script))).toBe("written");
  });

  test("propagation needs a source that propagates", async () => {
    expect(await refusal("-v", `${host}:/h:rshared`, "busybox", "true")).toContain(
      "is mounted on / but it is not a shared mount",
    );
    const shared = join(host, `${cli}-shared`);
    mkdirSync(shared);
    mountTmpfs(shared);
    spawnSync("mount", ["--make-shared", shared]);
    try {
      expect(
        await output("-v", `${shared}:/h:rshared`, ...sh("grep ' /h ' /proc/self/mountinfo | grep -c shared:")),
      ).toBe("1");
      expect(
        await output("-v", `${shared}:/h:rslave`, ...sh("grep ' /h ' /proc/self/mountinfo | grep -c master:")),
      ).toBe("1");
      expect(
        await output(
          "-v",
          `${shared}:/h`,
          ...sh("grep ' /h ' /proc/self/mountinfo | grep -c -e master: -e shared: || true"),
        ),
      ).toBe("0");
    } finally {
      spawnSync("umount", [shared]);
    }
  });

  test("a source through a link is the link's target on the host", async () => {
    const link = join(host, `${cli}-link`);
    symlinkSync(join(host, "file"), link);
    expect(await output("-v", `${link}:/h`, ...sh("cat /h"))).toBe("from the host");
  });

  test("places behind links to nowhere are made inside, as in images whose resolv.conf leads into /run", async () => {
    const image = `${cli}-links`;
    const links =
      "ln -s ../run/nowhere/resolv.conf etc/resolv.conf; ln -s /run/deep srv; ln -s loop1 loop2; ln -s loop2 loop1";
    const tree = `mkdir -p bin etc; cp /bin/busybox bin/; ln -s busybox bin/sh; ${links}`;
    const made = spawnSync("sh", ["-ec", `d=$(mktemp -d); cd $d; { ${tree}; } >&2; tar -c .; rm -r $d`], {
      maxBuffer: 1 << 26,
    });
    expect(await engine.dockerInput(made.stdout, "import", "-", image)).toMatchObject({ exitCode: 0 });
    const script =
      "busybox pwd; busybox grep -c nameserver /etc/resolv.conf; busybox cat /srv/file; busybox grep -o ' /run/[a-z/]* tmpfs' /proc/mounts";
    const flags = ["-w", "/srv/place", "--tmpfs", "/srv/tmp", "-v", `${host}/file:/srv/file`];
    expect(await output(...flags, image, "sh", "-c", script)).toMatch(
      /^\/run\/deep\/place\n\d+\nfrom the host\n \/run\/deep\/tmp tmpfs$/,
    );
    expect(await refusal("--tmpfs", "/loop1/x", image, "sh")).toContain("error mounting tmpfs to /loop1/x: ");
  });

  test("a directory of another user is bound as it is", async () => {
    const closed = join(host, `${cli}-closed`);
    mkdirSync(closed);
    chmodSync(closed, 0o700);
    const { stderr, exitCode } = await run("-u", "1000", "-v", `${closed}:/h`, "busybox", "ls", "/h");
    expect([stderr, exitCode]).toEqual(["ls: can't open '/h': Permission denied\n", 1]);
  });

  test.each([
    [
      ["-v", "rel/path:/h"],
      '"rel/path" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path',
    ],
    [["-v", "/tmp:rel"], "invalid volume specification: '/tmp:rel'"],
    [["-v", "/tmp:/"], "destination can't be '/'"],
    [["-v", "/tmp:/a", "-v", "/etc:/a"], "Duplicate mount point: /a"],
    [["-v", "/tmp:/a:foo"], "invalid mode: foo"],
    [["--tmpfs", "rel"], "mount path must be absolute"],
    [["--mount", "type=volume,src=xx,dst=/a,volume-driver=nosuch"], 'plugin "nosuch" not found'],
  ])("%j is refused, and no volume is left", async (flags, expected) => {
    const before = await engine.expectDocker("volume", "ls", "-q");
    expect(await refusal("-v", "/first", ...flags, "busybox", "true")).toContain(expected);
    expect(await engine.expectDocker("volume", "ls", "-q")).toBe(before);
  });
});

function mountTmpfs(directory: string): void {
  const { status, stderr } = spawnSync("mount", ["-t", "tmpfs", "lighter-test", directory], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}
