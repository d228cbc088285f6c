import { expect, test } from "bun:test";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { eventually, within } from "../harness/deadline.ts";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";

const MEBIBYTE = 1 << 20;
const WRITTEN_BYTES = 48 * MEBIBYTE;
/** Far less than what is written, far more than what a run of the garbage collector makes a difference of. */
const MOST_GROWTH_BYTES = 40 * MEBIBYTE;

test("clients that read nothing of a stream take no memory, and slow no one", async () => {
  await using engine = await startEngine();
  const writes = `until [ -e /begin ]; do usleep 10000; done; yes ${"0123456789".repeat(10)} | head -c ${WRITTEN_BYTES}; touch /done; sleep 1000`;
  for (const name of ["talker", "attached"]) {
    await engine.expectDocker("run", "-d", "--name", name, "busybox", "sh", "-c", writes);
  }
  const deaf = await Promise.all([
    ...Array.from({ length: 3 }, () => ask(engine, "GET /containers/talker/logs?follow=1&stdout=1")),
    ask(engine, "POST /containers/attached/attach?stream=1&stdout=1"),
    ask(engine, "GET /events?since=1"),
  ]);
  const before = residentBytes(await metrics(engine));
  for (const name of ["talker", "attached"]) await engine.expectDocker("exec", name, "touch", "/begin");
  await eventually(
    "all is written",
    async () => ((await engine.docker("exec", "talker", "ls", "/done")).exitCode === 0 ? true : undefined),
    60_000,
  );
  const started = performance.now();
  expect(await engine.expectDocker("run", "--rm", "busybox", "echo", "served")).toBe("served");
  expect(performance.now() - started).toBeLessThan(10_000);
  expect(residentBytes(await metrics(engine)) - before).toBeLessThan(MOST_GROWTH_BYTES);
  for (const socket of deaf) socket.destroy();
}, 90_000);

/** Sends a request and never reads: what the kernel's buffers do not hold, the engine has to keep back. */
async function ask(engine: TestEngine, request: string): Promise<Socket> {
  const socket = connect(engine.socket);
  socket.on("error", () => {});
  socket.pause();
  await within("the engine accepts", once(socket, "connect"));
  socket.write(`${request} HTTP/1.1\r\nHost: x\r\n\r\n`);
  return socket;
}

async function metrics(engine: TestEngine): Promise<string> {
  return (await engine.api("/lighter/metrics")).text();
}

function residentBytes(text: string): number {
  return Number(/^process_resident_memory_bytes (\d+)$/m.exec(text)?.[1]);
}
