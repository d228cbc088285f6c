import { afterAll, beforeAll, expect, test } from "bun:test";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";

let engine: TestEngine;

beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine[Symbol.asyncDispose]());

test("run -it is a shell on a terminal of our size, which follows ours", async () => {
  const size = { rows: 33, columns: 101 };
  await using session = engine.terminal("lighter", ["run", "-it", "--rm", "busybox", "sh"], size);
  let at = await session.waitFor("# ");
  session.type("stty size\r");
  at = await session.waitFor("33 101", at);
  session.resize(44, 77);
  session.type("sleep 0.2; stty size\r");
  at = await session.waitFor("44 77", at);
  session.type("exit 5\r");
  expect(await session.exited()).toBe(5);
});

test("output reaches the terminal as the program wrote it", async () => {
  await using session = engine.terminal("lighter", [
    "run",
    "-it",
    "--rm",
    "busybox",
    "sh",
    "-c",
    "stty -opost; printf 'a\\nb|'",
  ]);
  await session.waitFor("b|");
  expect(session.screen).toContain("a\nb|");
  expect(session.screen).not.toContain("a\r\nb|");
});

test("the detach keys leave it running, attach comes back", async () => {
  await using session = engine.terminal("lighter", ["run", "-it", "--name", "left", "busybox", "sh"]);
  await session.waitFor("# ");
  session.type("\x10\x11");
  await session.waitFor("read escape sequence");
  expect(await session.exited()).toBe(0);
  expect(await engine.expectLighter("inspect", "-f", "{{.State.Status}}", "left")).toBe("running");

  await using again = engine.terminal("lighter", ["attach", "--detach-keys", "ctrl-x", "left"]);
  again.type("echo he''re\r");
  await again.waitFor("here");
  again.type("\x18");
  await again.waitFor("read escape sequence");
  expect(await again.exited()).toBe(0);

  await using last = engine.terminal("lighter", ["exec", "-it", "left", "sh"]);
  await last.waitFor("# ");
  last.type("kill -9 1; exit 3\r");
  expect(await last.exited()).toBe(3);
  await engine.expectLighter("rm", "-f", "left");
});

test("-it without a terminal is refused", async () => {
  const { stderr, exitCode } = await engine.lighter("run", "-it", "busybox");
  expect([exitCode, stderr]).toEqual([125, expect.stringContaining("the input device is not a TTY")]);
});
