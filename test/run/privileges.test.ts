import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";

let engine: TestEngine;
let scratch: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "lighter-privileges-"));
  engine = await startEngine();
});
afterAll(async () => {
  rmSync(scratch, { recursive: true });
  await engine[Symbol.asyncDispose]();
});

function sh(script: string): string[] {
  return ["busybox", "sh", "-c", script];
}

/** capabilities(7): the fourteen that Docker gives, and numbers of some. */
const DEFAULT = 0xa80425fbn;
const CHOWN = 1n << 0n;
const NET_ADMIN = 1n << 12n;

describe.each(["docker", "lighter"] as const)("%s run", (cli) => {
  const run = (...args: string[]) => engine[cli]("run", "--rm", "--network", "none", ...args);
  const output = async (...args: string[]) => {
    const { stdout, stderr, exitCode } = await run(...args);
    expect([stderr, exitCode]).toEqual(["", 0]);
    return stdout.trim();
  };
  const status = async (...flags: string[]) => {
    const lines = (await output(...flags, "busybox", "cat", "/proc/self/status")).split("\n");
    return (name: string) => lines.find((line) => line.startsWith(`${name}:`))?.split("\t")[1] ?? "";
  };

  test.each<[string[], { effective: bigint; bounding: bigint }]>([
    [[], { effective: DEFAULT, bounding: DEFAULT }],
    [["-u", "1000"], { effective: 0n, bounding: DEFAULT }],
    [
      ["--cap-add", "net_admin", "--cap-drop", "CAP_CHOWN"],
      { effective: (DEFAULT | NET_ADMIN) & ~CHOWN, bounding: (DEFAULT | NET_ADMIN) & ~CHOWN },
    ],
    [["--cap-drop", "all"], { effective: 0n, bounding: 0n }],
    [["--cap-drop", "ALL", "--cap-add", "chown"], { effective: CHOWN, bounding: CHOWN }],
  ])("%j leaves the capabilities that Docker leaves", async (flags, { effective, bounding }) => {
    const of = await status(...flags);
    const sets = ["CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb"].map((name) => BigInt(`0x${of(name)}`));
    expect(sets).toEqual([effective, effective, bounding, 0n, 0n]);
  });

  test("a dropped capability is gone for set-user-ID programs too", async () => {
    const { stderr, exitCode } = await run("--cap-drop", "chown", ...sh("touch /x; chown 1 /x"));
    expect([stderr, exitCode]).toEqual(["chown: /x: Operation not permitted\n", 1]);
  });

  test("the seccomp profile filters, a profile of the user's own too, and can be left off", async () => {
    expect((await status())("Seccomp")).toBe("2");
    expect((await status("--security-opt", "seccomp=unconfined"))("Seccomp")).toBe("0");
    const profile = join(scratch, `${cli}.json`);
    writeFileSync(
      profile,
      JSON.stringify({
        defaultAction: "SCMP_ACT_ALLOW",
        syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 95 }],
      }),
    );
    const { stderr } = await run("--security-opt", `seccomp=${profile}`, ...sh("mkdir /x; touch /y"));
    expect(stderr).toBe("mkdir: can't create directory '/x': Operation not supported\n");
  });

  test("the default profile refuses what Docker's refuses, whoever asks", async () => {
    const script = "unshare -U true; mount -t tmpfs none /mnt; swapoff -a; dmesg -c; hostname other; echo done";
    const { stdout, stderr } = await run("--cap-drop", "all", ...sh(script));
    expect(stdout).toBe("done\n");
    expect(stderr).toContain("unshare: unshare(0x10000000): Operation not permitted");
    expect(stderr).toContain("hostname: sethostname: Operation not permitted");
  });

  test("no-new-privileges is set where asked, and set-user-ID programs stay what they are", async () => {
    expect((await status())("NoNewPrivs")).toBe("0");
    expect((await status("--security-opt", "no-new-privileges"))("NoNewPrivs")).toBe("1");
    expect((await status("--security-opt", "no-new-privileges=true", "-u", "1000"))("NoNewPrivs")).toBe("1");
    // Of busybox's applets, ping keeps the rights of a set-user-ID file; the range shuts the way without rights.
    const script = [
      "cp /bin/busybox /own; chmod 4755 /own; ln -s /own /ping",
      "su -s /bin/sh nobody -c '/ping -c1 127.0.0.1 2>/dev/null' | grep -c '1 packets received'; true",
    ].join("; ");
    const closed = ["--sysctl", "net.ipv4.ping_group_range=1 0"];
    expect(await output(...closed, ...sh(script))).toBe("1");
    expect(await output(...closed, "--security-opt", "no-new-privileges", ...sh(script))).toBe("0");
  });

  test("--privileged is all capabilities, all devices, no filter and nothing masked", async () => {
    const of = await status("--privileged");
    const last = BigInt(`0x${of("CapBnd")}`);
    expect([of("CapEff"), of("Seccomp"), (last & (1n << 21n)) !== 0n]).toEqual([of("CapBnd"), "0", true]);
    const script =
      "mkdir /m && mount -t tmpfs none /m && umount /m && test -c /dev/kmsg && grep ' /sys ' /proc/mounts | grep -c rw";
    expect(await output("--privileged", ...sh(script))).toBe("1");
    expect(await output("--privileged", ...sh("awk '$5 ~ \"^/proc/\"' /proc/self/mountinfo | wc -l"))).toBe("0");
  });

  test.each([
    [["--cap-add", "nosuch"], 'invalid CapAdd: unknown capability: "CAP_NOSUCH"'],
    [["--cap-drop", "nosuch"], 'invalid CapDrop: unknown capability: "CAP_NOSUCH"'],
    [["--security-opt", "foo=bar"], "invalid --security-opt"],
    [["--security-opt", "seccomp=/nosuch"], "opening seccomp profile (/nosuch) failed"],
  ])("%j is refused", async (flags, expected) => {
    const { stderr, exitCode } = await run(...flags, "busybox", "true");
    expect([stderr, exitCode]).toEqual([expect.stringContaining(expected), 125]);
  });

  test("a broken profile is refused before anything starts", async () => {
    const profile = join(scratch, `${cli}-broken.json`);
    writeFileSync(profile, JSON.stringify({ defaultAction: "SCMP_ACT_SOMETIMES" }));
    const { stderr, exitCode } = await run("--security-opt", `seccomp=${profile}`, "busybox", "true");
    expect([stderr, exitCode]).toEqual([
      expect.stringContaining("decoding seccomp profile failed: defaultAction: "),
      125,
    ]);
  });
});
