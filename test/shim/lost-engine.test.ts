import { afterAll, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createConnection } from "node:net";
import { nativePath } from "../../src/base/native.ts";
import { readCgroupLayout } from "../../src/runtime/cgroup.ts";
import { Shim, type ShimExit } from "../../src/runtime/shim.ts";
import { encodeMessage, Records, Type } from "../../src/runtime/wire.ts";
import { demultiplex, execRequest, processesOf, readAll, ShimFixture } from "./shim-fixture.ts";

const fixture = new ShimFixture(0);
afterAll(() => fixture[Symbol.asyncDispose]());

const sh = (script: string) => ["sh", "-c", script];

/** Resolves when the shim's socket is gone, which is the first thing that it takes away, and its processes are too. */
async function gone(socketPath: string): Promise<void> {
  while (existsSync(socketPath) || processesOf(socketPath).length > 0) await new Promise(setImmediate);
}

describe("the engine goes away", () => {
  test("a running container goes on; a new connection finds it, its execs and its end", async () => {
    const running = await fixture.start({ args: sh("while [ ! -e /tmp/go ]; do sleep 0.01; done; echo late; exit 6") });
    await running.shim.exec(
      execRequest("e1", ["sleep", "1000"], { attach: { stdin: false, stdout: false, stderr: false } }),
    );
    const lost = once(running.shim.socket, "close");
    running.shim.disconnect();
    await lost;

    const again = await Shim.connect(running.shim.socketPath);
    const { state } = again;
    if (state.status !== "running") throw new Error(state.status);
    expect([...state.execs.keys()]).toEqual(["e1"]);
    expect(state.cgroupPath).toBe(running.request.spec.linux.cgroupsPath);
    const ended = new Promise<ShimExit>((resolve) => {
      again.onExit = (exit) => exit.process === "init" && resolve(exit);
    });
    const { stream } = await again.exec(execRequest("e2", ["touch", "/tmp/go"]));
    if (stream) await readAll(stream);
    expect((await ended).exitCode).toBe(6);
    expect(readFileSync(running.request.log?.path ?? "", "utf8")).toContain('"late\\n"');
    await again.release();
  });

  test("a container that ends meanwhile is written down, and its shim leaves", async () => {
    const running = await fixture.start({ args: sh("while [ ! -e /tmp/go2 ]; do sleep 0.01; done; exit 8") });
    running.shim.disconnect();
    const again = await Shim.connect(running.shim.socketPath);
    const { stream } = await again.exec(execRequest("e", ["touch", "/tmp/go2"]));
    again.disconnect();
    if (stream) await readAll(stream);
    await gone(running.shim.socketPath);
    expect(JSON.parse(readFileSync(running.request.exitFile, "utf8"))).toMatchObject({ exitCode: 8 });
  });

  test("an attached client outlives the control connection", async () => {
    const running = await fixture.create({
      args: sh("read line; echo got $line"),
      request: { stdio: { tty: false, stdin: true, stdinOnce: true, rows: 0, columns: 0 } },
    });
    const socket = await running.shim.attach({ process: "init", stdin: true, stdout: true, stderr: true });
    await running.shim.start();
    running.shim.disconnect();
    socket.end("this\n");
    expect(demultiplex(await readAll(socket)).stdout).toBe("got this\n");
    await gone(running.shim.socketPath);
  });

  test("a berth whose engine died before it connected ends itself", async () => {
    const socketPath = fixture.path("shims/orphan.sock");
    const pair = [socketPath, "/lighter/berth-orphan"];
    const child = spawn(nativePath("lighter-shim"), pair, { stdio: ["ignore", "ignore", "pipe"] });
    await once(child, "exit");
    expect(existsSync(socketPath)).toBe(true);
    child.stderr.destroy();
    await gone(socketPath);
  });

  test("a container that was not started yet ends with the connection", async () => {
    const created = await fixture.create({ args: ["sleep", "1000"] });
    created.shim.disconnect();
    await gone(created.shim.socketPath);
    expect(existsSync(created.request.exitFile)).toBe(false);
  });

  test("a waiting berth ends itself and leaves no cgroup", async () => {
    const shim = await fixture.berths.take();
    const berth = `lighter/berth-${shim.name}`;
    const trees = [...new Set(readCgroupLayout().trees.values())];
    expect(trees.some((tree) => existsSync(`${tree}/${berth}`))).toBe(true);
    shim.disconnect();
    await gone(shim.socketPath);
    expect(trees.filter((tree) => existsSync(`${tree}/${berth}`))).toEqual([]);
  });
});

describe("the shim's own processes die", () => {
  test("with the monitor dies the container", async () => {
    const running = await fixture.start({ args: ["sleep", "1000"] });
    const state = running.shim.state;
    const pid = state.status === "running" ? state.pid : 0;
    const monitor = Number(/PPid:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
    const lost = once(running.shim.socket, "close");
    process.kill(monitor, 9);
    await lost;
    const living = () => existsSync(`/proc/${pid}/exe`);
    while (living()) await new Promise(setImmediate);
    // Nobody is left to clean up; the engine does so when it starts. Here the test has to.
    await fixture.removeRemains(running);
  });

  test("a killed first process is 137", async () => {
    const running = await fixture.start({ args: ["sleep", "1000"] });
    const state = running.shim.state;
    process.kill(state.status === "running" ? state.pid : 0, 9);
    expect((await running.exited).exitCode).toBe(137);
  });
});

describe("messages that no engine sends", () => {
  const cases: [string, Buffer][] = [
    ["no header at all", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["a length without bounds", Buffer.from("53484d5201000200010000 00ffffffff".replaceAll(" ", ""), "hex")],
    [
      "a record that is longer than its message",
      encodeMessage(Type.CREATE, 1, new Records().bytes(43, Buffer.alloc(0))),
    ],
    ["an unknown tag", encodeMessage(Type.CREATE, 1, new Records().u32(999, 1))],
    ["a text without its end", encodeMessage(Type.CREATE, 1, new Records().bytes(43, Buffer.from("abc")))],
    ["a create without anything", encodeMessage(Type.START, 1, new Records())],
    ["an unknown type", encodeMessage(31, 1, new Records())],
  ];
  test("are refused, and the berth still makes a container", async () => {
    const shim = await fixture.take();
    for (const [, bytes] of cases) {
      const socket = createConnection(shim.socketPath);
      await once(socket, "connect");
      socket.end(bytes);
      // Who sends what is no message is cut off without an answer.
      const answer = await readAll(socket).catch(() => Buffer.alloc(0));
      if (answer.length > 0) expect(answer.readUInt16LE(6)).toBe(Type.FAILED);
    }
    const request = fixture.request({ args: ["true"] });
    const ended = new Promise<ShimExit>((resolve) => {
      shim.onExit = resolve;
    });
    await shim.create(request);
    await shim.start();
    expect((await ended).exitCode).toBe(0);
  });
});
