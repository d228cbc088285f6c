import { afterAll, beforeAll, expect, test } from "bun:test";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
});

function hosts(container: string): Promise<string> {
  return engine.expectDocker("exec", container, "cat", "/etc/hosts");
}

function addressOf(container: string): Promise<string> {
  return engine.expectDocker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", container);
}

test("on the default bridge a link is a line in hosts and variables, and follows its target's address", async () => {
  const server = ["--env", "SECRET=s", "--expose", "6379", "--hostname", "cachehost", "busybox", "sleep", "1000"];
  await engine.expectDocker("run", "--detach", "--name", "cache", ...server);
  await engine.expectDocker("run", "--detach", "--name", "web", "--link", "cache:store", "busybox", "sleep", "1000");
  const address = await addressOf("cache");
  expect(await hosts("web")).toContain(`${address}\tstore cachehost cache\n`);
  expect(await engine.expectDocker("exec", "web", "ping", "-c", "1", "-W", "5", "store")).toContain(
    "1 packets received",
  );
  const variables = await engine.expectDocker("exec", "web", "cat", "/proc/1/environ");
  for (const entry of [`STORE_PORT_6379_TCP_ADDR=${address}`, "STORE_ENV_SECRET=s", "STORE_NAME=/web/store"]) {
    expect(variables.split("\0")).toContain(entry);
  }
  expect(await engine.expectDocker("inspect", "--format", "{{json .HostConfig.Links}}", "web")).toBe(
    '["/cache:/web/store"]',
  );

  await engine.expectDocker("stop", "--timeout", "0", "cache");
  // Takes the address that the target had.
  await engine.expectDocker("run", "--detach", "--name", "squatter", "busybox", "sleep", "1000");
  await engine.expectDocker("start", "cache");
  const moved = await addressOf("cache");
  expect(moved).not.toBe(address);
  const lines = (await hosts("web")).split("\n").filter((line) => line.includes("store"));
  expect(lines).toEqual([`${moved}\tstore cachehost cache`]);
});

test("a link that leads nowhere is refused in Docker's words", async () => {
  const missing = await engine.docker("run", "--link", "nobody:x", "busybox", "true");
  expect(missing).toMatchObject({
    exitCode: 125,
    stderr: expect.stringContaining("could not get container for nobody"),
  });
  await engine.expectDocker("create", "--name", "asleep", "busybox", "true");
  const asleep = await engine.docker("run", "--name", "hopeful", "--link", "asleep:x", "busybox", "true");
  expect(asleep.stderr).toContain("Cannot link to a non running container: /asleep AS /hopeful/x");
  const host = await engine.docker("run", "--network", "host", "--link", "asleep:x", "busybox", "true");
  expect(host.stderr).toContain("host type networking can't be used with links");
});
