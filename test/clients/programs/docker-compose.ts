import { afterAll, beforeAll, expect, test } from "bun:test";
import { resolve } from "node:path";
import { TerminalSession } from "../../harness/terminal-session.ts";
import { expectOutput } from "../expect-output.ts";

const PROJECT = "visits";
const UP_DEADLINE_MS = 60_000;
const APPLICATION = resolve(import.meta.dir, "../../../examples/compose");

/** docker-compose 1.29, as Debian packages it, on the example. */
function compose(...args: string[]): Promise<string> {
  return expectOutput(["docker-compose", "--project-name", PROJECT, "--ansi=never", ...args], { cwd: APPLICATION });
}

/** The page of one of the web containers, by its published port. */
async function page(index = 1): Promise<string> {
  const place = await compose("port", `--index=${index}`, "web", "80");
  return (await fetch(`http://${place.replace("0.0.0.0", "127.0.0.1")}/cgi-bin/page`)).text();
}

/** What of a project there is, of one kind. */
function belongings(list: readonly string[]): Promise<string> {
  return expectOutput(["docker", ...list, "--filter", `label=com.docker.compose.project=${PROJECT}`, "--quiet"]);
}

let begun = 0;
beforeAll(async () => {
  begun = Date.now() / 1000;
  await compose("up", "--detach");
});
// Also when a test has failed; else there is nothing left to do.
afterAll(async () => {
  await compose("down", "--volumes", "--rmi", "local");
});

test("up builds, and starts each service when those it depends on are healthy", async () => {
  const filter = ["--filter", "type=container", "--filter", `label=com.docker.compose.project=${PROJECT}`];
  const range = ["--since", String(begun), "--until", String(Date.now() / 1000)];
  const format = ["--format", "{{.Action}} {{.Actor.Attributes.name}}"];
  const events = (await expectOutput(["docker", "events", ...range, ...filter, ...format])).split("\n");
  const turns = /^(start|health_status: healthy) /;
  expect(events.filter((event, index) => turns.test(event) && events.indexOf(event) === index)).toEqual([
    `start ${PROJECT}_redis_1`,
    `health_status: healthy ${PROJECT}_redis_1`,
    `start ${PROJECT}_api_1`,
    `health_status: healthy ${PROJECT}_api_1`,
    `start ${PROJECT}_web_1`,
  ]);
});

test("the services find each other by name over two networks", async () => {
  expect(await page()).toMatch(/visit 1, by [0-9a-f]{12}/);
  expect(await page()).toMatch(/visit 2, by [0-9a-f]{12}/);
});

test("ps, top, images and config tell what runs", async () => {
  const listed = await compose("ps");
  expect(listed).toMatch(/visits_api_1 .* Up \(healthy\) .*8080\/tcp/);
  expect(listed).toMatch(/visits_web_1 .* Up .*0\.0\.0\.0:\d+->80\/tcp/);
  expect(await compose("top", "redis")).toContain("redis-server");
  expect(await compose("images")).toMatch(/visits_redis_1 +redis +latest/);
  expect(await compose("config", "--services")).toBe("redis\napi\nweb");
});

test("logs are told apart by container", async () => {
  const logs = await compose("logs");
  expect(logs).toMatch(/^redis_1 +\| .*Ready to accept connections/m);
  expect(logs).toMatch(/^api_1 +\| .*url:\/cgi-bin\/visits/m);
  expect(await compose("logs", "--tail=1", "--timestamps", "redis")).toMatch(/redis_1 +\| \d{4}-\d\d-\d\dT\S+Z /);
});

test("exec and run do something beside, in a service's own surroundings", async () => {
  expect(await compose("exec", "-T", "redis", "redis-cli", "get", "visits")).toBe("2");
  expect(await compose("exec", "-T", "api", "sh", "-c", "echo $REDIS_HOST")).toBe("redis");
  expect(await compose("run", "--rm", "-T", "--no-deps", "redis", "redis-cli", "-h", "redis", "ping")).toBe("PONG");
});

test("up --scale starts more of a service, which all work", async () => {
  await compose("up", "--detach", "--scale", "web=3");
  const pages = await Promise.all([page(1), page(2), page(3)]);
  const names = pages.map((text) => /by ([0-9a-f]{12})/.exec(text)?.[1]);
  expect(new Set(names).size).toBe(3);
  await compose("up", "--detach", "--scale", "web=1");
  expect((await compose("ps", "--quiet", "web")).split("\n")).toHaveLength(1);
});

test("restart, pause and stop reach each container, and the volume outlives them", async () => {
  await compose("restart", "redis");
  expect(await compose("exec", "-T", "redis", "redis-cli", "get", "visits")).toBe("5");
  await compose("pause", "web");
  expect(await compose("ps", "web")).toContain("Paused");
  await compose("unpause", "web");
  await compose("stop");
  expect(await compose("ps", "--services", "--filter", "status=stopped")).toBe("redis\napi\nweb");
  await compose("up", "--detach", "--force-recreate");
  expect(await page()).toContain("visit 6,");
});

test("up in the foreground shows the logs of all, and control-C stops them", async () => {
  await compose("down");
  const file = ["--file", resolve(APPLICATION, "docker-compose.yml")];
  const command = ["docker-compose", "--project-name", PROJECT, ...file, "up"];
  await using session = new TerminalSession(command, process.env);
  await session.waitFor(/redis_1.*Ready to accept connections/, 0, UP_DEADLINE_MS);
  await session.waitFor(/api_1.*url:\/cgi-bin\/health/, 0, UP_DEADLINE_MS);
  await session.waitFor("Attaching to", 0, UP_DEADLINE_MS);
  session.type("\x03");
  await session.waitFor("Gracefully stopping", 0, UP_DEADLINE_MS);
  await session.exited(UP_DEADLINE_MS);
  expect(await compose("ps", "--services", "--filter", "status=running")).toBe("");
});

test("down -v removes containers, networks, volumes and images", async () => {
  await compose("down", "--volumes", "--rmi", "local");
  for (const list of [["ps", "--all"], ["volume", "ls"], ["network", "ls"], ["images"]])
    expect(await belongings(list)).toBe("");
});
