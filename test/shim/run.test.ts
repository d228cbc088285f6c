import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { StartFailure } from "../../src/runtime/start-failure.ts";
import { makeBusyboxRoot, ShimFixture } from "./shim-fixture.ts";

const fixture = new ShimFixture(1);
afterAll(() => fixture[Symbol.asyncDispose]());

const sh = (script: string) => ["sh", "-c", script];

/** `struct sock_filter[]`: the system call of this number (x86-64: 83 is mkdir) is EPERM, all others are allowed. */
function filterThatRefuses(number: number): Uint8Array {
  const instructions: [code: number, jumpTrue: number, jumpFalse: number, k: number][] = [
    [0x20, 0, 0, 0], // load the number
    [0x15, 0, 1, number],
    [0x06, 0, 0, 0x00050001], // SECCOMP_RET_ERRNO | EPERM
    [0x06, 0, 0, 0x7fff0000], // SECCOMP_RET_ALLOW
  ];
  const bytes = Buffer.alloc(instructions.length * 8);
  instructions.forEach(([code, jumpTrue, jumpFalse, k], index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(jumpTrue, index * 8 + 2);
    bytes.writeUInt8(jumpFalse, index * 8 + 3);
    bytes.writeUInt32LE(k, index * 8 + 4);
  });
  return bytes;
}

async function failureOf(promise: Promise<unknown>): Promise<StartFailure> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof StartFailure) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

describe("a container's first process", () => {
  test("says what it has to say, on both streams, and its end is written down", async () => {
    const { exit, stdout, stderr } = await fixture.run({ args: sh("echo out; echo err >&2; exit 3") });
    expect({ stdout, stderr, code: exit.exitCode, oom: exit.oomKilled }).toEqual({
      stdout: "out\n",
      stderr: "err\n",
      code: 3,
      oom: false,
    });
  });

  test("ends with every kind of exit code as it is", async () => {
    for (const code of [0, 1, 2, 125, 126, 127, 128, 137, 200, 255]) {
      const { exit } = await fixture.run({ args: sh(`exit ${code}`) });
      expect(exit.exitCode).toBe(code);
    }
  });

  test("writes exit.json before anyone is told", async () => {
    const running = await fixture.start({ args: sh("exit 7") });
    const exit = await running.exited;
    const written = JSON.parse(readFileSync(running.request.exitFile, "utf8"));
    expect(written).toMatchObject({ exitCode: 7, oomKilled: false, error: "", finishedAt: exit.finishedAt });
    expect(Date.parse(written.finishedAt)).toBeGreaterThanOrEqual(Date.parse(written.startedAt));
  });

  test("a signal ends it with 128 and the signal's number", async () => {
    const running = await fixture.start({ args: ["sleep", "1000"] });
    await running.shim.kill(9);
    expect((await running.exited).exitCode).toBe(137);
  });

  test("has pid 1 and its own host name, and sees no process of the host", async () => {
    const { stdout } = await fixture.run({
      args: sh("echo $$; hostname; ls -d /proc/[0-9]* | grep -cv '/proc/[1-9]$'"),
    });
    expect(stdout).toBe("1\nbox\n0\n");
  });

  test("reads what a client sends, up to the half-closed end", async () => {
    const { stdout } = await fixture.run(
      { args: ["cat"], request: { stdio: { tty: false, stdin: true, stdinOnce: true, rows: 0, columns: 0 } } },
      "one\ntwo\n",
    );
    expect(stdout).toBe("one\ntwo\n");
  });

  test("gets /dev/null where stdin was not asked for", async () => {
    const { stdout } = await fixture.run({ args: sh("cat; readlink /proc/self/fd/0") });
    expect(stdout).toBe("/dev/null\n");
  });

  test("has only its three streams open", async () => {
    const { stdout } = await fixture.run({ args: sh("ls /proc/self/fd | tr '\\n' ' '") });
    expect(stdout.trim()).toMatch(/^0 1 2 3$/); // 3 is the directory that ls reads
  });

  test("is the user that was asked for, with the groups of the image", async () => {
    const ids = async (userName: string, names: string[] = []) => {
      const { stdout } = await fixture.run({
        args: sh("id -u; id -g; id -G; echo $HOME"),
        process: { user: { uid: 0, gid: 0, userName, additionalGroupNames: names } },
      });
      return stdout.trim().split("\n");
    };
    expect(await ids("alice")).toEqual(["1000", "1001", "1001 10 29", "/srv/alice"]);
    expect(await ids("1000")).toEqual(["1000", "1001", "1001 10 29", "/srv/alice"]);
    expect(await ids("alice:wheel")).toEqual(["1000", "10", "10", "/srv/alice"]);
    expect(await ids("4321:99", ["audio", "77"])).toEqual(["4321", "99", "99 29 77", "/"]);
    expect(await ids("")).toEqual(["0", "0", "0", "/root"]);
  });

  test("has exactly the capabilities given, none as another user", async () => {
    const status = async (userName: string) =>
      (
        await fixture.run({
          args: sh("grep -E 'Cap(Eff|Bnd|Prm|Amb)|NoNewPrivs' /proc/self/status"),
          process: { user: { uid: 0, gid: 0, userName }, noNewPrivileges: true },
        })
      ).stdout.replace(/\t/g, "");
    const all = "00000000a80425fb";
    const none = "0000000000000000";
    expect(await status("")).toBe(`CapPrm:${all}\nCapEff:${all}\nCapBnd:${all}\nCapAmb:${none}\nNoNewPrivs:1\n`);
    expect(await status("alice")).toMatch(new RegExp(`CapEff:${none}\nCapBnd:${all}\n`));
  });

  test.each([
    ["without", false, ""],
    ["with", true, ""],
    ["without", false, "alice"],
  ])("is under its system-call filter, %s no-new-privileges", async (_, noNewPrivileges, userName) => {
    const { stdout } = await fixture.run({
      args: sh("mkdir /tmp/filtered 2>/dev/null || echo refused; grep Seccomp: /proc/self/status"),
      process: { noNewPrivileges, user: { uid: 0, gid: 0, userName } },
      request: { seccompFilter: filterThatRefuses(83) },
    });
    expect(stdout).toBe("refused\nSeccomp:\t2\n");
  });

  test("starts in the working directory, which is made where it is missing", async () => {
    const { stdout } = await fixture.run({ args: ["pwd"], process: { cwd: "/made/for/it" } });
    expect(stdout).toBe("/made/for/it\n");
  });

  test("sees masked paths empty and read-only paths read-only", async () => {
    const { stdout } = await fixture.run({
      args: sh(
        "cat /proc/kcore | wc -c; echo 1 > /proc/sys/kernel/domainname || echo refused; ls /sys/firmware | wc -l",
      ),
    });
    expect(stdout).toBe("0\nrefused\n0\n");
  });

  test("has the devices and links of the runtime specification", async () => {
    const { stdout } = await fixture.run({
      args: sh("ls /dev | tr '\\n' ' '; head -c 2 /dev/zero | wc -c; echo x > /dev/null; readlink /dev/stdout"),
    });
    expect(stdout).toBe(
      "core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero 2\n/proc/self/fd/1\n",
    );
  });

  test("cannot write to a read-only root, but to a tmpfs in it", async () => {
    const { stdout } = await fixture.run({
      args: sh("touch /x 2>/dev/null || echo refused; touch /tmp/x && echo written; stat -c %a /tmp"),
      readonlyRoot: true,
      mounts: [{ destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["nosuid", "nodev"] }],
    });
    expect(stdout).toBe("refused\nwritten\n1777\n");
  });

  test("sees binds, read-only ones with all below them", async () => {
    mkdirSync(fixture.path("volume"), { recursive: true });
    writeFileSync(fixture.path("volume/file"), "content\n");
    const { stdout } = await fixture.run({
      args: sh("cat /data/file /one; touch /data/new && echo written; touch /frozen/new 2>/dev/null || echo refused"),
      mounts: [
        { destination: "/data", type: "bind", source: fixture.path("volume"), options: ["rbind", "rprivate"] },
        { destination: "/one", type: "bind", source: fixture.path("volume/file"), options: ["rbind", "ro"] },
        { destination: "/frozen", type: "bind", source: fixture.path("volume"), options: ["rbind", "ro", "rro"] },
      ],
    });
    expect(stdout).toBe("content\ncontent\nwritten\nrefused\n");
  });

  test("with a reaper, is not pid 1, and orphans are reaped", async () => {
    const orphan = "sh -c 'true & echo $! > /tmp/orphan'; while [ -d /proc/$(cat /tmp/orphan) ]; do :; done";
    const { stdout, exit } = await fixture.run({
      args: sh(
        `echo $$; cat /proc/1/comm; tr '\\0' ' ' < /proc/1/cmdline | cut -c 1-29; ${orphan}; echo reaped; exit 9`,
      ),
      request: { reaper: true },
    });
    expect(stdout).toBe("2\ndocker-init\n/sbin/docker-init -- sh -c ec\nreaped\n");
    expect(exit.exitCode).toBe(9);
  });

  test("with a reaper, a signal reaches the program", async () => {
    const running = await fixture.start({ args: ["sleep", "1000"], request: { reaper: true } });
    await running.shim.kill(15);
    expect((await running.exited).exitCode).toBe(143);
  });
});

describe("overlay", () => {
  test("shows the layers, takes writes into the upper one, and is mounted nowhere on the host", async () => {
    const snapshots = fixture.path("snapshots");
    for (const path of ["1/fs/etc", "2/fs/etc", "3/fs", "3/work"])
      mkdirSync(`${snapshots}/${path}`, { recursive: true });
    makeBusyboxRoot(`${snapshots}/1/fs`);
    writeFileSync(`${snapshots}/2/fs/etc/issue`, "second\n");
    const { stdout } = await fixture.run({
      args: sh("cat /etc/issue; echo changed > /etc/issue; rm /bin/yes"),
      request: { root: { kind: "overlay", snapshots, lower: [2, 1], upper: 3 } },
    });
    expect(stdout).toBe("second\n");
    expect(readFileSync(`${snapshots}/3/fs/etc/issue`, "utf8")).toBe("changed\n");
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(snapshots);
  });
});

describe("a failing start", () => {
  const cases: [string, string[], number, RegExp][] = [
    [
      "a command that is nowhere in PATH",
      ["nonsense"],
      127,
      /exec: "nonsense": executable file not found in \$PATH: unknown$/,
    ],
    [
      "a path that is not there",
      ["/no/such"],
      127,
      /exec: "\/no\/such": stat \/no\/such: no such file or directory: unknown$/,
    ],
    ["a directory", ["/etc"], 126, /exec: "\/etc": is a directory: permission denied: unknown$/],
    ["a file without permission", ["/etc/passwd"], 126, /exec: "\/etc\/passwd": permission denied: unknown$/],
  ];
  test.each(cases)("%s", async (_, args, exitCode, message) => {
    const failure = await failureOf(fixture.run({ args }));
    expect(failure.message).toMatch(message);
    expect(failure.exitCode).toBe(exitCode as 126 | 127);
  });

  test("a file that is no program", async () => {
    writeFileSync(`${fixture.root}/tmp/noise`, "\u0001\u0002\u0003", { mode: 0o755 });
    const failure = await failureOf(fixture.run({ args: ["/tmp/noise"] }));
    expect(failure.message).toMatch(/exec: "\/tmp\/noise": exec format error: unknown$/);
    expect(failure.exitCode).toBe(126);
  });

  test("a user that the image does not know", async () => {
    const failure = await failureOf(
      fixture.run({ args: ["true"], process: { user: { uid: 0, gid: 0, userName: "mallory" } } }),
    );
    expect(failure.message).toContain("unable to find user mallory: no matching entries in passwd file");
  });

  test("a bind source that is not there names it", async () => {
    const failure = await failureOf(
      fixture.run({
        args: ["true"],
        mounts: [{ destination: "/data", type: "bind", source: "/no/such/source", options: ["rbind"] }],
      }),
    );
    expect(failure.message).toContain('"/no/such/source"');
    expect(failure.exitCode).toBe(128);
  });

  test("a file bound over a directory is told as Docker tells it", async () => {
    const failure = await failureOf(
      fixture.run({
        args: ["true"],
        mounts: [{ destination: "/tmp", type: "bind", source: "/etc/passwd", options: ["rbind"] }],
      }),
    );
    expect(failure.message).toContain("Are you trying to mount a directory onto a file (or vice-versa)?");
  });

  test("a limit that the kernel refuses names file and value", async () => {
    const failure = await failureOf(
      fixture.run({
        args: ["true"],
        request: { cgroupWrites: [{ controller: "memory", file: "memory.limit_in_bytes", value: "nonsense" }] },
      }),
    );
    expect(failure.message).toContain("memory.limit_in_bytes=nonsense");
  });
});
