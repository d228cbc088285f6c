import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";

let engine: TestEngine;
let scratch: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "lighter-run-"));
  engine = await startEngine();
});
afterAll(async () => {
  rmSync(scratch, { recursive: true });
  await engine[Symbol.asyncDispose]();
});

/** The message without the client's own words around it. */
function message(stderr: string): string {
  return stderr
    .replace(/^\w+: (Error response from daemon: )?/, "")
    .replace(/\n\nRun '[^']+' for more information\n$/, "");
}

describe.each(["docker", "lighter"] as const)("%s run", (cli) => {
  const run = (...args: string[]) => engine[cli]("run", "--rm", ...args);
  const output = async (...args: string[]) => {
    const { stdout, stderr, exitCode } = await run(...args);
    expect([stderr, exitCode]).toEqual(["", 0]);
    return stdout.replace(/\n$/, "");
  };

  test.each([
    [[], "0:0 0 10"],
    [["-u", "1000"], "1000:0 0"],
    [["-u", "1000:7"], "1000:7 7"],
    [["-u", "daemon"], "1:1 1"],
    [["-u", "daemon:nogroup"], "1:65534 65534"],
    [["-u", ":7"], "0:7 7"],
    [["-u", "5", "--group-add", "55", "--group-add", "daemon"], "5:0 0 1 55"],
  ])("%j is that user of the image's own files", async (flags, expected) => {
    const [ids, groups = ""] = (
      await output(...flags, "busybox", "sh", "-c", 'echo "$(id -u):$(id -g)/$(id -G)"')
    ).split("/");
    const sorted = groups
      .split(" ")
      .map(Number)
      .sort((one, other) => one - other);
    expect(`${ids} ${sorted.join(" ")}`).toBe(expected);
  });

  test.each([
    [["-u", "nosuch"], "unable to find user nosuch: no matching entries in passwd file"],
    [["-u", "1:nosuch"], "unable to find group nosuch: no matching entries in group file"],
    [["--group-add", "nosuch"], "unable to find group nosuch: no matching entries in group file"],
  ])("%j fails, for the image has no such name", async (flags, expected) => {
    const { stderr, exitCode } = await run(...flags, "busybox", "true");
    expect([message(stderr), exitCode]).toEqual([expected, 125]);
  });

  test("the environment is the image's, then files', then flags', with a home and a host name", async () => {
    const file = join(scratch, "env");
    writeFileSync(file, "# not this\nFROM_FILE=1\nBOTH=file\nLIGHTER_ROOT\n");
    const lines = await output(
      "--env-file",
      file,
      "-e",
      "BOTH=flag",
      "-e",
      "UNSET_HERE",
      "-e",
      "EMPTY=",
      "-h",
      "box",
      "busybox",
      "env",
    );
    expect(lines.split("\n").sort()).toEqual([
      "BOTH=flag",
      "EMPTY=",
      "FROM_FILE=1",
      "HOME=/root",
      "HOSTNAME=box",
      `LIGHTER_ROOT=${engine.root}`,
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ]);
  });

  test("-w is made where it is missing; a file in its place is named", async () => {
    expect(await output("-w", "/deep/in/it", "busybox", "sh", "-c", "pwd; stat -c %u:%a .")).toBe("/deep/in/it\n0:755");
    const { stderr, exitCode } = await run("-w", "/etc/passwd", "busybox", "true");
    expect([stderr, exitCode]).toEqual([expect.stringContaining("/etc/passwd"), 125]);
  });

  test("--entrypoint replaces the image's and forgets its command", async () => {
    expect(await output("--entrypoint", "echo", "busybox", "a", "b")).toBe("a b");
    expect(await output("--entrypoint", "echo", "busybox")).toBe("");
    const { stderr, exitCode } = await run("--entrypoint", "", "busybox");
    expect([message(stderr), exitCode]).toEqual(["no command specified", 125]);
  });

  test("-i hands over all of standard input; without it there is none", async () => {
    const input = Buffer.alloc(1 << 20, "x");
    const withInput = await engine[`${cli}Input`](input, "run", "--rm", "-i", "busybox", "wc", "-c");
    expect(withInput.stdout.trim()).toBe(String(input.length));
    const without = await engine[`${cli}Input`](input, "run", "--rm", "busybox", "wc", "-c");
    expect(without.stdout.trim()).toBe("0");
  });

  test("-t is a terminal of the client's size, and its exit status is the program's", async () => {
    const script = "test -t 0 && test -t 1 && stty size; tty; read line; echo got $line; exit 3";
    await using session = engine.terminal(cli, ["run", "--rm", "-it", "busybox", "sh", "-c", script], {
      rows: 31,
      columns: 97,
    });
    await session.waitFor("31 97\r\n/dev/pts/0\r\n");
    session.type("word\r");
    await session.waitFor("got word\r\n");
    expect(await session.exited()).toBe(3);
  });

  test.each<[string[], number, string]>([
    [["sh", "-c", "exit 0"], 0, ""],
    [["sh", "-c", "exit 1"], 1, ""],
    [["sh", "-c", "exit 255"], 255, ""],
    [["nosuch"], 127, 'exec: "nosuch": executable file not found in $PATH'],
    [["/no/such"], 127, 'exec: "/no/such": stat /no/such: no such file or directory'],
    [["/etc/passwd"], 126, 'exec: "/etc/passwd": permission denied'],
    [["/etc"], 126, 'exec: "/etc": is a directory'],
  ])("%j ends with %d", async (command, status, text) => {
    const { stderr, exitCode } = await run("busybox", ...command);
    expect([stderr, exitCode]).toEqual([expect.stringContaining(text), status]);
  });

  test("a program that a signal ended is 128 and the signal", async () => {
    // Not the first process: that one the kernel keeps from its own signals.
    const { exitCode } = await run("--init", "busybox", "sh", "-c", "kill -TERM $$");
    expect(exitCode).toBe(143);
  });

  test("--init is the first process: it reaps strangers and hands on signals", async () => {
    const script = "cat /proc/1/cmdline | tr '\\0' ' '; (sleep 0.01 &); sleep 0.1; ps -o stat | grep -c Z";
    const { stdout } = await run("--init", "busybox", "sh", "-c", script);
    expect(stdout).toStartWith("/sbin/docker-init -- sh -c cat /proc/1/cmdline");
    expect(stdout).toEndWith("0\n");
    const id = (await engine[cli]("run", "-d", "--init", "busybox", "sleep", "1000")).stdout.trim();
    expect(await engine[cli]("stop", id)).toMatchObject({ exitCode: 0 });
    expect(await engine.expectDocker("inspect", "-f", "{{.State.ExitCode}}", id)).toBe("143");
  });

  test("-d prints the id and returns; the name is found by list, id and prefix", async () => {
    const name = `${cli}-detached`;
    const id = (
      await engine[cli]("run", "-d", "--name", name, "busybox", "sh", "-c", "echo said; sleep 1000")
    ).stdout.trim();
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect(await engine.expectDocker("ps", "-qf", `name=${name}`, "--no-trunc")).toBe(id);
    for (const reference of [name, id, id.slice(0, 12), id.slice(0, 6)]) {
      expect(await engine.expectDocker("inspect", "-f", "{{.Id}} {{.State.Running}}", reference)).toBe(`${id} true`);
    }
    const again = await run("--name", name, "busybox", "true");
    expect([message(again.stderr), again.exitCode]).toEqual([
      `Conflict. The container name "/${name}" is already in use by container "${id}". You have to remove (or rename) that container to be able to reuse that name.`,
      125,
    ]);
    expect((await engine[cli]("rm", "-f", name)).stdout).toBe(`${name}\n`);
    expect(await output("--name", name, "busybox", "echo", "free")).toBe("free");
  });

  test("--rm takes the container and its anonymous volumes, and no named one", async () => {
    const before = await engine.expectDocker("ps", "-aq");
    expect(await output("-v", "/anonymous", "-v", `${cli}-kept:/named`, "busybox", "echo", "x")).toBe("x");
    expect(await engine.expectDocker("ps", "-aq")).toBe(before);
    expect(await engine.expectDocker("volume", "ls", "-q")).toContain(`${cli}-kept`);
    expect(await engine.expectDocker("volume", "ls", "-qf", "dangling=true")).not.toMatch(/^[0-9a-f]{64}$/m);
  });

  test("--stop-signal is what stop sends", async () => {
    const script = "trap 'exit 42' USR1; echo ready; while :; do sleep 0.05; done";
    const id = (await engine[cli]("run", "-d", "--stop-signal", "USR1", "busybox", "sh", "-c", script)).stdout.trim();
    await using logs = engine.terminal("docker", ["logs", "-f", id]);
    await logs.waitFor("ready");
    await engine[cli]("stop", id);
    expect(await engine[cli]("wait", id)).toMatchObject({ stdout: "42\n" });
  });

  test("names of hosts: its own, added ones, and who resolves the rest", async () => {
    const files = await output(
      "-h",
      "box",
      "--domainname",
      "example.test",
      "--add-host",
      "one.test:1.2.3.4",
      "--add-host",
      "gw:host-gateway",
      "--dns",
      "9.9.9.9",
      "--dns-search",
      "search.test",
      "--dns-opt",
      "ndots:3",
      "busybox",
      "sh",
      "-c",
      "hostname; hostname -f; cat /etc/hostname /etc/hosts /etc/resolv.conf; ip route | grep default",
    );
    const lines = files.split("\n");
    expect(lines.slice(0, 3)).toEqual(["box", "box.example.test", "box"]);
    const gateway = /default via (\S+)/.exec(files)?.[1];
    for (const line of [
      "127.0.0.1\tlocalhost",
      "1.2.3.4\tone.test",
      `${gateway}\tgw`,
      "nameserver 9.9.9.9",
      "search search.test",
      "options ndots:3",
    ]) {
      expect(lines).toContain(line);
    }
    expect(files).toMatch(/^172\.\d+\.0\.\d+\tbox\.example\.test box$/m);
  });

  test("--ipc and --pid join another container's, the first only where that shares it", async () => {
    const donor = async (name: string, ...flags: string[]) => {
      const script = "echo shared > /dev/shm/file; exec sleep 1000";
      await engine.expectDocker("run", "-d", "--name", name, ...flags, "busybox", "sh", "-c", script);
      return name;
    };
    const [open, closed] = [await donor(`${cli}-open`, "--ipc", "shareable"), await donor(`${cli}-closed`)];
    expect(await output("--ipc", `container:${open}`, "busybox", "cat", "/dev/shm/file")).toBe("shared");
    const { stderr, exitCode } = await run("--ipc", `container:${closed}`, "busybox", "true");
    expect([stderr, exitCode]).toEqual([
      expect.stringContaining("non-shareable IPC (hint: use IpcMode:shareable"),
      125,
    ]);
    expect(await output("--pid", `container:${closed}`, "busybox", "cat", "/proc/1/comm")).toBe("sleep");
    await engine.expectDocker("rm", "-f", open, closed);
  });
});
