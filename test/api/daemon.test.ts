import { expect, test } from "bun:test";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { LIGHTER, runProgram } from "../harness/program.ts";
import { TestEngine, temporaryRoot } from "../harness/test-engine.ts";

test("the socket is for root and the group docker, comes over a dead file, and goes with the engine", async () => {
  await using engine = new TestEngine(temporaryRoot());
  await leaveDeadSocket(engine.socket);
  await engine.start();
  const { mode, gid } = statSync(engine.socket);
  expect(mode & 0o777).toBe(0o660);
  const docker = /^docker:[^:]*:(\d+):/m.exec(readFileSync("/etc/group", "utf8"))?.[1];
  expect(gid).toBe(Number(docker ?? 0));
  await engine.stop();
  expect(existsSync(engine.socket)).toBe(false);
});

test("an engine listens at every socket it is given", async () => {
  await using engine = new TestEngine(temporaryRoot());
  const sockets = [engine.socket, join(engine.root, "second.sock")];
  await engine.start(...sockets.flatMap((socket) => ["--socket", socket]));
  for (const unix of sockets) expect((await fetch("http://engine/_ping", { unix })).status).toBe(200);
});

test("a socket's path that the system cannot take is refused with the reason, and nothing runs", async () => {
  await using engine = new TestEngine(temporaryRoot());
  const path = join(engine.root, "x".repeat(120));
  const { stderr, exitCode } = await runProgram([...LIGHTER, "daemon", "--socket", path], { env: engine.env });
  expect(exitCode).not.toBe(0);
  expect(stderr).toContain("too long");
  expect(engine.daemons()).toEqual([]);
});

test("where the socket's directory cannot be made, the engine says so", async () => {
  await using engine = new TestEngine(temporaryRoot());
  const file = join(engine.root, "file");
  writeFileSync(file, "");
  const { stderr, exitCode } = await runProgram([...LIGHTER, "daemon", "--socket", join(file, "sock")], {
    env: engine.env,
  });
  expect(exitCode).not.toBe(0);
  expect(stderr).toContain(`cannot listen at ${join(file, "sock")}`);
});

/** What an engine that was killed leaves: a socket's name at which nobody listens. */
async function leaveDeadSocket(path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  const listener = createServer().listen(`${path}.born`);
  await once(listener, "listening");
  // Closing removes the name that was bound, not the one that it has now.
  renameSync(`${path}.born`, path);
  listener.close();
  await once(listener, "close");
  expect(existsSync(path)).toBe(true);
}
