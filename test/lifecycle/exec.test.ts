import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";
import { CLIS, field, lines, output, refusal } from "./both-clis.ts";

let engine: TestEngine;

beforeAll(async () => {
  engine = await startEngine();
  await engine.expectDocker("run", "-d", "--name", "box", "-e", "BASE=1", "-w", "/tmp", "busybox", "sleep", "1000");
});
afterAll(() => engine[Symbol.asyncDispose]());

describe.each(CLIS)("%s exec", (cli) => {
  const exec = (...args: string[]) => output(engine, cli, "exec", ...args);

  test("runs inside, with the container's environment, directory and user unless told otherwise", async () => {
    const script = "echo $BASE/$MORE/$HOSTNAME $(pwd) $(id -u)";
    const host = (await field(engine, "box", "{{.Id}}")).slice(0, 12);
    expect(await exec("box", "sh", "-c", script)).toBe(`1//${host} /tmp 0`);
    expect(await exec("-e", "MORE=2", "-w", "/etc", "-u", "daemon", "box", "sh", "-c", script)).toBe(
      `1/2/${host} /etc 1`,
    );
  });

  test("keeps the two streams apart and brings the exit code back", async () => {
    const { stdout, stderr, exitCode } = await engine[cli]("exec", "box", "sh", "-c", "echo out; echo err >&2; exit 9");
    expect([stdout, stderr, exitCode]).toEqual(["out\n", "err\n", 9]);
    expect((await engine[cli]("exec", "box", "sh", "-c", "kill -9 $$")).exitCode).toBe(137);
  });

  test("-i hands over standard input to its end, which -d and no flag do not", async () => {
    const input = Buffer.alloc(300_000, "y");
    expect((await engine[`${cli}Input`](input, "exec", "-i", "box", "wc", "-c")).stdout.trim()).toBe("300000");
    expect((await engine[`${cli}Input`](input, "exec", "box", "wc", "-c")).stdout.trim()).toBe("0");
  });

  test("-it is a terminal that follows ours; its exit code is ours", async () => {
    const size = { rows: 19, columns: 61 };
    await using session = engine.terminal(cli, ["exec", "-it", "-e", "PS1=> ", "box", "sh"], size);
    session.type("tty; stty size\r");
    await session.waitFor("/dev/pts/");
    await session.waitFor("19 61");
    session.resize(21, 66);
    session.type("trap 'stty size' WINCH; stty size; read line\r");
    await session.waitFor("21 66");
    session.type("\rexit 12\r");
    expect(await session.exited()).toBe(12);
  });

  test("the detach keys leave the program of an exec running", async () => {
    await using session = engine.terminal(cli, ["exec", "-it", "box", "sh", "-c", "echo ready; exec sleep 987"]);
    await session.waitFor("ready");
    session.type("\x10\x11");
    await session.waitFor("read escape sequence");
    await session.exited();
    expect(await exec("box", "ps")).toContain("sleep 987");
  });

  test("-d comes back at once and tells nothing", async () => {
    expect(await exec("-d", "box", "sh", "-c", "echo unheard; mkfifo /tmp/done; echo over > /tmp/done")).toBe("");
    expect(await exec("box", "sh", "-c", "while [ ! -p /tmp/done ]; do :; done; cat /tmp/done; rm /tmp/done")).toBe(
      "over",
    );
  });

  test("--privileged has all capabilities, which others have not", async () => {
    const effective = async (...flags: string[]) =>
      BigInt(`0x${(await exec(...flags, "box", "sh", "-c", "grep CapEff /proc/self/status")).split("\t")[1]}`);
    expect(await effective()).toBe(0xa80425fbn);
    expect(await effective("--privileged")).toBeGreaterThan(0xa80425fbn);
  });

  test("--env-file", async () => {
    const path = `${engine.root}/exec.env`;
    await Bun.write(path, "FROM_FILE=yes\n");
    expect(await exec("--env-file", path, "box", "sh", "-c", "echo $FROM_FILE")).toBe("yes");
  });

  test.each([
    [["box", "nosuch"], 127, 'exec: "nosuch": executable file not found in $PATH'],
    [["box", "/nosuch/program"], 127, "no such file or directory"],
    [["box", "/etc/passwd"], 126, "permission denied"],
    [["box", "/etc"], 126, 'exec: "/etc": is a directory'],
    [["-w", "/no/such/place", "box", "true"], 126, "/no/such/place"],
    [["-u", "nosuch", "box", "true"], 126, "unable to find user nosuch: no matching entries in passwd file"],
    [["nosuch", "true"], 1, "No such container: nosuch"],
  ])("%j fails with %d", async (args, exitCode, message) => {
    const { stdout, stderr, exitCode: actual } = await engine[cli]("exec", ...args);
    expect([stdout + stderr, actual]).toEqual([expect.stringContaining(message), exitCode]);
  });

  test("refuses a container that is paused or does not run", async () => {
    const id = await output(engine, cli, "run", "-d", "busybox", "sleep", "1000");
    await output(engine, cli, "pause", id);
    expect(await refusal(engine, cli, "exec", id, "true")).toEqual([
      `Container ${id} is paused, unpause the container before exec`,
      1,
    ]);
    await output(engine, cli, "kill", id);
    expect(await refusal(engine, cli, "exec", id, "true")).toEqual([`container ${id} is not running`, 1]);
    await output(engine, cli, "rm", id);
  });

  test("what an exec started ends with its container", async () => {
    const id = await output(engine, cli, "run", "-d", "busybox", "sleep", "1000");
    const running = engine[cli]("exec", id, "sh", "-c", "touch /started; exec sleep 1000");
    await output(engine, cli, "exec", id, "sh", "-c", "until [ -e /started ]; do :; done");
    await output(engine, cli, "kill", id);
    expect((await running).exitCode).toBe(137);
    await output(engine, cli, "rm", id);
  });

  test("twenty at once all come back with what they said", async () => {
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, index) => lines(engine, cli, "exec", "box", "echo", `${index}`)),
    );
    expect(all.flat()).toEqual(Array.from({ length: 20 }, (_, index) => `${index}`));
  });
});
