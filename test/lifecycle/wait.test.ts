import { afterAll, beforeAll, expect, test } from "bun:test";
import { within } from "../harness/deadline.ts";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";

let engine: TestEngine;

beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine[Symbol.asyncDispose]());

/** The answer's head comes when the wait is registered, its body when it is over. */
async function waiting(id: string, condition: string): Promise<() => Promise<unknown>> {
  const response = await engine.api(`/v1.51/containers/${id}/wait?condition=${condition}`, { method: "POST" });
  expect(response.status).toBe(200);
  return () => within(`${condition} of ${id}`, response.json());
}

const create = (...command: string[]) => engine.expectDocker("create", "busybox", ...command);

test("not-running is over at once for what does not run, with the code of its last end", async () => {
  const id = await create("sh", "-c", "exit 7");
  expect(await (await waiting(id, "not-running"))()).toEqual({ StatusCode: 0 });
  await engine.docker("start", "-a", id);
  expect(await (await waiting(id, "not-running"))()).toEqual({ StatusCode: 7 });
  await engine.expectDocker("rm", id);
});

test("next-exit waits for an end that is still to come, also of what has ended before", async () => {
  const id = await create("sh", "-c", "exit 7");
  await engine.docker("start", "-a", id);
  const next = await waiting(id, "next-exit");
  await engine.expectDocker("start", id);
  expect(await next()).toEqual({ StatusCode: 7 });
  await engine.expectDocker("rm", id);
});

test("removed waits for the removal, past the end", async () => {
  const id = await engine.expectDocker(
    "run",
    "-d",
    "busybox",
    "sh",
    "-c",
    "while [ ! -e /go ]; do sleep 0.02; done; exit 4",
  );
  const [ended, removed] = [await waiting(id, "not-running"), await waiting(id, "removed")];
  await engine.expectDocker("exec", id, "touch", "/go");
  expect(await ended()).toEqual({ StatusCode: 4 });
  await engine.expectDocker("rm", id);
  expect(await removed()).toEqual({ StatusCode: 4 });
});

test("a container that removes itself tells its code to those who wait for its removal", async () => {
  const id = await engine.expectDocker("create", "--rm", "busybox", "sh", "-c", "exit 9");
  const removed = await waiting(id, "removed");
  await engine.expectDocker("start", id);
  expect(await removed()).toEqual({ StatusCode: 9 });
  expect((await engine.api(`/v1.51/containers/${id}/json`)).status).toBe(404);
});

test("a condition that is none, and a container that is not there, are refused", async () => {
  const id = await create("true");
  const ask = (path: string) => engine.api(`/v1.51/containers/${path}`, { method: "POST" });
  expect((await ask(`${id}/wait?condition=soon`)).status).toBe(400);
  expect((await ask("nosuch/wait")).status).toBe(404);
  await engine.expectDocker("rm", id);
});
