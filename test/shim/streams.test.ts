import { afterAll, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { demultiplex, execRequest, readAll, ShimFixture, waitForText } from "./shim-fixture.ts";

const fixture = new ShimFixture(1);
afterAll(() => fixture[Symbol.asyncDispose]());

const sh = (script: string) => ["sh", "-c", script];
const TERMINAL = { tty: true, stdin: true, stdinOnce: true, rows: 24, columns: 80 };
const OPEN = { tty: false, stdin: true, stdinOnce: false, rows: 0, columns: 0 };
const BOTH = { process: "init", stdin: true, stdout: true, stderr: true };

describe("a terminal", () => {
  test("has the size asked for, is the console and the controlling terminal", async () => {
    const { raw } = await fixture.run(
      { args: sh("tty; stty size; echo y > /dev/console; echo z > /dev/tty"), request: { stdio: TERMINAL } },
      "",
    );
    expect(raw).toBe("/dev/pts/0\r\n24 80\r\ny\r\nz\r\n");
  });

  test("is resized, and its process told", async () => {
    const running = await fixture.create({
      args: sh("trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.01; done"),
      request: { stdio: TERMINAL },
    });
    const socket = await running.shim.attach(BOTH);
    const ready = waitForText(socket, "ready");
    await running.shim.start();
    await ready;
    const resized = waitForText(socket, "50 132");
    await running.shim.resize(50, 132);
    await resized;
    expect((await running.exited).exitCode).toBe(0);
  });

  test("turns control-C into SIGINT", async () => {
    const running = await fixture.create({
      args: sh("trap 'echo interrupted; exit 5' INT; echo ready; while :; do sleep 0.01; done"),
      request: { stdio: TERMINAL },
    });
    const socket = await running.shim.attach(BOTH);
    const ready = waitForText(socket, "ready");
    await running.shim.start();
    await ready;
    const interrupted = waitForText(socket, "interrupted");
    socket.write("\u0003");
    await interrupted;
    expect((await running.exited).exitCode).toBe(5);
  });

  test("a process without one cannot be resized", async () => {
    const running = await fixture.start({ args: ["sleep", "1000"] });
    expect(running.shim.resize(10, 10)).rejects.toMatchObject({ code: "NO_TERMINAL" });
    await running.shim.kill(9);
    await running.exited;
  });
});

describe("attached clients", () => {
  test("all get what is written after they came, and stdin stays open for the next", async () => {
    const running = await fixture.create({ args: ["cat"], request: { stdio: OPEN } });
    const first = await running.shim.attach(BOTH);
    await running.shim.start();
    const echoed = waitForText(first, "one\n");
    first.write("one\n");
    await echoed;
    const second = await running.shim.attach(BOTH);
    const both = [waitForText(first, "two\n"), waitForText(second, "two\n")];
    first.end("two\n");
    await Promise.all(both);
    const third = waitForText(second, "three\n");
    second.write("three\n");
    expect(await third).not.toContain("one");
    await running.shim.closeStdin();
    expect((await running.exited).exitCode).toBe(0);
  });

  test("only the streams asked for arrive", async () => {
    const running = await fixture.create({ args: sh("echo out; echo err >&2") });
    const socket = await running.shim.attach({ process: "init", stdin: false, stdout: false, stderr: true });
    const output = readAll(socket);
    await running.shim.start();
    expect(demultiplex(await output)).toEqual({ stdout: "", stderr: "err\n" });
    await running.exited;
  });

  test("a slow one holds the process back and loses nothing, a dead one is dropped", async () => {
    const size = 4 * 1024 * 1024;
    const running = await fixture.create({
      args: sh(`head -c ${size} /dev/zero; echo done > /tmp/written`),
      request: { log: null },
    });
    const dead = await running.shim.attach(BOTH);
    const slow = await running.shim.attach(BOTH);
    await running.shim.start();
    dead.destroy();
    await once(slow, "readable");
    expect(existsSync(`${fixture.root}/tmp/written`)).toBe(false);
    const { stdout } = demultiplex(await readAll(slow));
    expect(stdout.length).toBe(size);
    expect((await running.exited).exitCode).toBe(0);
    expect(existsSync(`${fixture.root}/tmp/written`)).toBe(true);
  });

  test("200 MB come through framed and whole", async () => {
    const size = 200_000_000;
    const running = await fixture.create({ args: sh(`head -c ${size} /dev/zero`), request: { log: null } });
    const socket = await running.shim.attach({ ...BOTH, stdin: false });
    let received = 0;
    let frames = 0;
    socket.on("data", (bytes: Buffer) => {
      received += bytes.length;
    });
    const ended = once(socket, "end");
    await running.shim.start();
    await ended;
    frames = (received - size) / 8;
    expect(Number.isInteger(frames)).toBe(true);
    await running.exited;
  });

  test("attaching to what has ended is refused", async () => {
    const running = await fixture.start({ args: ["true"] });
    await running.exited;
    expect(running.shim.attach(BOTH)).rejects.toMatchObject({ code: "PROCESS_NOT_RUNNING" });
  });
});

describe("the json-file log", () => {
  const lines = (path: string): { log: string; stream: string; time: string }[] =>
    readFileSync(path, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));

  test("has a line for each line, escaped as Go does, with stream and time", async () => {
    const running = await fixture.start({
      args: sh("printf 'a\"b\\\\c<&>\\tü\\001\\n'; printf 'bad \\377\\n'; printf 'no newline' >&2"),
    });
    await running.exited;
    const text = readFileSync(running.request.log?.path ?? "", "utf8");
    expect(text).toContain('{"log":"a\\"b\\\\c\\u003c\\u0026\\u003e\\u0009ü\\u0001\\n","stream":"stdout","time":"');
    expect(text).toContain('{"log":"bad \\ufffd\\n","stream":"stdout"');
    expect(text).toContain(`{"log":"no newline","stream":"stderr","time":"`);
    expect(text).toMatch(/"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z"}\n/);
  });

  test("splits lines at 16 KiB and joins what came in pieces", async () => {
    const running = await fixture.start({
      args: sh("head -c 40000 /dev/zero | tr '\\0' x; echo; printf 'in '; sleep 0.02; echo pieces"),
    });
    await running.exited;
    const logged = lines(running.request.log?.path ?? "");
    expect(logged.map(({ log }) => log.length)).toEqual([16384, 16384, 7233, 10]);
    expect(logged.at(-1)?.log).toBe("in pieces\n");
  });

  test("rotates by size and keeps so many files", async () => {
    const path = fixture.path("rotated.log");
    const running = await fixture.start({
      args: sh("for i in $(seq 1000); do echo line $i; done"),
      request: { log: { path, maxBytes: 20_000, maxFiles: 3 } },
    });
    await running.exited;
    expect(existsSync(`${path}.2`)).toBe(true);
    expect(existsSync(`${path}.3`)).toBe(false);
    const kept = [`${path}.2`, `${path}.1`, path].flatMap(lines).map(({ log }) => Number(log.split(" ")[1]));
    expect(kept.at(-1)).toBe(1000);
    expect(kept).toEqual(kept.map((_, index) => 1000 - kept.length + 1 + index));
  });
});

describe("exec", () => {
  test("joins the container and reports its own end", async () => {
    const running = await fixture.start({ args: ["sleep", "1000"] });
    const { stream, pid } = await running.shim.exec(execRequest("e1", sh("hostname; echo $$; ls -d /proc/1; exit 4")));
    expect(pid).toBeGreaterThan(0);
    if (!stream) throw new Error("no stream");
    expect(demultiplex(await readAll(stream)).stdout).toMatch(/^box\n\d+\n\/proc\/1\n$/);
    expect((await running.exitOf("e1")).exitCode).toBe(4);
    await running.shim.kill(9);
    await running.exited;
  });

  test("is inside the container's cgroups", async () => {
    const running = await fixture.start({ args: ["sleep", "1000"] });
    const { pid } = await running.shim.exec(
      execRequest("sleeper", ["sleep", "1000"], { attach: { stdin: false, stdout: false, stderr: false } }),
    );
    const groups = readFileSync(`/proc/${pid}/cgroup`, "utf8")
      .split("\n")
      .filter((line) => line && !line.startsWith("0:"));
    expect(groups.every((line) => line.endsWith(`/lighter/${running.name}`))).toBe(true);
    await running.shim.kill(9);
    await running.exited;
  });

  test("works under a pids limit too, where no keeper may wait", async () => {
    const running = await fixture.start({
      args: ["sleep", "1000"],
      request: { cgroupWrites: [{ controller: "pids", file: "pids.max", value: "2" }] },
    });
    expect(running.shim.keeperPid).toBeNull();
    const { stream } = await running.shim.exec(execRequest("limited", ["cat", "/proc/self/cgroup"]));
    if (!stream) throw new Error("no stream");
    expect(demultiplex(await readAll(stream)).stdout).toMatch(/pids:\/\n/);
    await running.shim.kill(9);
    await running.exited;
  });

  test("reads stdin to its end", async () => {
    const running = await fixture.start({ args: ["sleep", "1000"] });
    const { stream } = await running.shim.exec(
      execRequest("in", ["wc", "-c"], { attach: { stdin: true, stdout: true, stderr: true } }),
    );
    if (!stream) throw new Error("no stream");
    stream.end("x".repeat(300_000));
    expect(demultiplex(await readAll(stream)).stdout.trim()).toBe("300000");
    await running.shim.kill(9);
    await running.exited;
  });

  test("has a terminal of the container's own", async () => {
    const running = await fixture.start({ args: ["sleep", "1000"] });
    const { stream } = await running.shim.exec(
      execRequest("tty", sh("tty; stty size"), { stdio: { ...TERMINAL, rows: 11, columns: 22 } }),
    );
    if (!stream) throw new Error("no stream");
    expect((await readAll(stream)).toString()).toBe("/dev/pts/0\r\n11 22\r\n");
    await running.shim.kill(9);
    await running.exited;
  });

  test("many at once, each with its own output", async () => {
    const running = await fixture.start({ args: ["sleep", "1000"] });
    const outputs = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const { stream } = await running.shim.exec(execRequest(`many${index}`, ["echo", `${index}`]));
        return stream ? demultiplex(await readAll(stream)).stdout : "";
      }),
    );
    expect(outputs).toEqual(Array.from({ length: 20 }, (_, index) => `${index}\n`));
    await running.shim.kill(9);
    await running.exited;
  });

  test("a command that is not there is 127, and the container goes on", async () => {
    const running = await fixture.start({ args: ["sleep", "1000"] });
    await expect(running.shim.exec(execRequest("none", ["nonsense"]))).rejects.toMatchObject({
      exitCode: 127,
      message:
        'OCI runtime exec failed: exec failed: unable to start container process: exec: "nonsense": executable file not found in $PATH: unknown',
    });
    const { stream } = await running.shim.exec(execRequest("after", ["echo", "alive"]));
    expect(stream && demultiplex(await readAll(stream)).stdout).toBe("alive\n");
    await running.shim.kill(9);
    await running.exited;
  });

  test("goes on after the keeper was killed", async () => {
    const running = await fixture.start({ args: ["sleep", "1000"] });
    const keeper = running.shim.keeperPid;
    if (keeper === null) throw new Error("no keeper");
    process.kill(keeper, 9);
    const { stream } = await running.shim.exec(execRequest("own", ["echo", "alive"])).catch(() =>
      // The keeper's death and the request may cross; the next one finds none.
      running.shim.exec(execRequest("own2", ["echo", "alive"])),
    );
    expect(stream && demultiplex(await readAll(stream)).stdout).toBe("alive\n");
    await running.shim.kill(9);
    await running.exited;
  });

  test("is signalled by its own name", async () => {
    const running = await fixture.start({ args: ["sleep", "1000"] });
    const { stream } = await running.shim.exec(execRequest("victim", ["sleep", "1000"]));
    await running.shim.kill(15, "victim");
    if (stream) await readAll(stream);
    expect((await running.exitOf("victim")).exitCode).toBe(143);
    await running.shim.kill(9);
    await running.exited;
  });
});
