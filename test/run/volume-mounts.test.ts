import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";

let engine: TestEngine;
let host: string;

beforeAll(async () => {
  host = mkdtempSync(join(tmpdir(), "lighter-volumes-"));
  engine = await startEngine();
  const script = "mkdir -p /v/sub/deep; echo deep > /v/sub/deep/file; ln -s /etc /v/out; ln -s /sub/deep /v/in";
  await engine.expectDocker("run", "--rm", "-v", "tree:/v", "busybox", "sh", "-c", script);
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  rmSync(host, { recursive: true });
});

const volume = (name: string, ...options: string[]) =>
  engine.expectDocker("volume", "create", ...options.flatMap((option) => ["-o", option]), name);

describe.each(["docker", "lighter"] as const)("%s run", (cli) => {
  const run = (...args: string[]) => engine[cli]("run", "--rm", "--network", "none", ...args);
  const part = (subpath: string) => ["--mount", `type=volume,source=tree,target=/m,volume-subpath=${subpath}`];

  test.each([
    ["sub/deep", "ls /m", "file"],
    ["./sub/../sub", "ls /m", "deep"],
    ["in", "ls /m", "file"],
    ["sub/deep/file", "cat /m", "deep"],
  ])("volume-subpath=%s is that part of the volume alone", async (subpath, script, expected) => {
    const { stdout, stderr } = await run(...part(subpath), "busybox", "sh", "-c", script);
    expect([stderr, stdout]).toEqual(["", `${expected}\n`]);
  });

  test.each([
    ["out", "error mounting subpath out to /m: no such file or directory"],
    ["nosuch", "error mounting subpath nosuch to /m: no such file or directory"],
    ["../tree", "subpath must be a relative path within the volume"],
    ["/sub", "subpath must be a relative path within the volume"],
  ])("volume-subpath=%s leads nowhere outside of the volume", async (subpath, expected) => {
    const { stderr, exitCode } = await run(...part(subpath), "busybox", "true");
    expect([stderr, exitCode]).toEqual([expect.stringContaining(expected), expect.any(Number)]);
    expect(exitCode).not.toBe(0);
  });

  test("a part of a volume is shown to cp as well, while the container does not run", async () => {
    const id = (await engine[cli]("create", ...part("sub"), "busybox")).stdout.trim();
    await engine.expectDocker("cp", `${id}:/m/deep/file`, join(host, `${cli}-copied`));
    expect(readFileSync(join(host, `${cli}-copied`), "utf8")).toBe("deep\n");
    await engine.expectDocker("rm", id);
  });

  test("a tmpfs volume has its options, is one for all who run, and empty for the next", async () => {
    const name = `${cli}-memory`;
    await volume(name, "type=tmpfs", "device=tmpfs", "o=size=1m,uid=1000,mode=0750,noexec");
    const script = "echo shared > /t/file; sleep 1000";
    const id = (await engine[cli]("run", "-d", "-v", `${name}:/t`, "busybox", "sh", "-c", script)).stdout.trim();
    await engine.expectDocker("exec", id, "sh", "-c", "while [ ! -s /t/file ]; do :; done");
    const look =
      "cat /u/file; stat -c '%u %a' /u; df -k /u | awk 'END {print $2}'; grep -o ' /u [^ ]*' /proc/self/mountinfo";
    const { stdout, stderr } = await run("-v", `${name}:/u`, "busybox", "sh", "-c", look);
    expect([stderr, stdout]).toEqual(["", "shared\n1000 750\n1024\n /u rw,noexec,relatime\n"]);
    await engine.expectDocker("rm", "-f", id);
    expect((await run("-v", `${name}:/u`, "busybox", "ls", "/u")).stdout).toBe("");
  });

  test("a volume that is a directory of the host gets the image's files where it is empty", async () => {
    const directory = join(host, `${cli}-bound`);
    mkdirSync(directory);
    await volume(`${cli}-bound`, "type=none", `device=${directory}`, "o=bind");
    expect((await run("-v", `${cli}-bound:/etc`, "busybox", "ls", "/etc/passwd")).stdout).toBe("/etc/passwd\n");
    writeFileSync(join(directory, "own"), "host");
    expect((await run("-v", `${cli}-bound:/x:ro`, "busybox", "sh", "-c", "cat /x/own; rm /x/own")).stdout).toBe("host");
    expect(readFileSync(join(directory, "own"), "utf8")).toBe("host");
  });

  test.each([
    ["ext4", "/dev/nosuch", "", "mount /dev/nosuch: no such file or directory"],
    ["nosuchfs", "/dev/null", "", "mount /dev/null: no such device"],
    [
      "nfs",
      ":/share",
      "addr=nosuch.invalid",
      "error resolving passed in network volume address: lookup nosuch.invalid",
    ],
    ["none", "/no/such/place", "bind", "/no/such/place"],
  ])("a volume of type %s on %s that cannot be mounted says why at the start", async (type, device, o, expected) => {
    const name = `${cli}-${type}`;
    await volume(name, `type=${type}`, `device=${device}`, `o=${o}`);
    const { stderr, exitCode } = await run("-v", `${name}:/x`, "busybox", "true");
    expect([stderr, exitCode]).toEqual([expect.stringContaining(expected), expect.any(Number)]);
    expect(exitCode).not.toBe(0);
    await engine.expectDocker("volume", "rm", name);
  });
});
