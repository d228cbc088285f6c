import { afterAll, beforeAll, expect, test } from "bun:test";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";
import { CLIS, type Cli, field, lines, output, refusal } from "./both-clis.ts";

let engine: TestEngine;

beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine[Symbol.asyncDispose]());

/** Healthy while the file /ok is there. */
const WATCH_FILE = ["--health-cmd", "echo looked; test -e /ok", "--health-interval", "20ms", "--health-retries", "2"];

function run(cli: Cli, ...args: string[]): Promise<string> {
  return output(engine, cli, "run", "-d", ...args, "busybox", "sleep", "1000");
}

const health = (id: string) => field(engine, id, "{{.State.Health.Status}} {{.State.Health.FailingStreak}}");

/** Until the container has had the event; those of its past count. */
async function waitFor(id: string, action: string): Promise<void> {
  const format = ["--format", "{{.Action}}!"];
  await using watching = engine.terminal("docker", [
    "events",
    "--since",
    "1h",
    "--filter",
    `container=${id}`,
    ...format,
  ]);
  await watching.waitFor(`${action}!`);
}

test.each(CLIS)(
  "%s run --health-cmd: starting, unhealthy, then healthy, in inspect, ps, filters and events",
  async (cli) => {
    const id = await run(cli, ...WATCH_FILE);
    await waitFor(id, "health_status: unhealthy");
    expect(await field(engine, id, "{{.State.Health.Status}}")).toBe("unhealthy");
    expect(await lines(engine, cli, "ps", "--filter", "health=unhealthy", "--format", "{{.Status}}")).toEqual([
      expect.stringMatching(/^Up .+ \(unhealthy\)$/),
    ]);
    await output(engine, cli, "exec", id, "touch", "/ok");
    await waitFor(id, "health_status: healthy");
    expect(await health(id)).toBe("healthy 0");
    expect(await lines(engine, cli, "ps", "-q", "--no-trunc", "--filter", "health=healthy")).toEqual([id]);
    expect(await lines(engine, cli, "ps", "-q", "--filter", "health=none")).toEqual([]);
    const [container] = JSON.parse(await engine.expectDocker("inspect", id));
    const { Log } = container.State.Health;
    expect(Log.length).toBeLessThanOrEqual(5);
    expect(Log.at(-1)).toEqual({
      Start: expect.stringMatching(/^\d{4}-.+Z$/),
      End: expect.stringMatching(/^\d{4}-.+Z$/),
      ExitCode: 0,
      Output: "looked\n",
    });
    for (const step of ["exec_create", "exec_start"]) await waitFor(id, `${step}: /bin/sh -c echo looked; test -e /ok`);
    await waitFor(id, "exec_die");
    await output(engine, cli, "rm", "-f", id);
  },
);

test("before its first probe it is starting, and after its end unhealthy, as Docker says", async () => {
  const id = await run("docker", "--health-cmd", "true", "--health-interval", "1h");
  expect(await health(id)).toBe("starting 0");
  expect(await engine.expectDocker("ps", "--filter", `id=${id}`, "--format", "{{.Status}}")).toEndWith(
    " (health: starting)",
  );
  await engine.expectDocker("kill", id);
  expect(await health(id)).toBe("unhealthy 0");
  await engine.expectDocker("start", id);
  expect(await health(id)).toBe("starting 0");
  await engine.expectDocker("rm", "-f", id);
});

test("a probe that takes too long is killed and says so with what it had printed", async () => {
  const slow = [
    "--health-cmd",
    "echo busy; sleep 1000; true",
    "--health-timeout",
    "200ms",
    "--health-interval",
    "50ms",
  ];
  const id = await run("docker", ...slow, "--health-retries", "3");
  await waitFor(id, "health_status: unhealthy");
  const [probe] = JSON.parse(await field(engine, id, "{{json .State.Health.Log}}"));
  expect([probe.ExitCode, probe.Output]).toEqual([-1, "Health check exceeded timeout (200ms): busy\n"]);
  await engine.expectDocker("pause", id);
  // No more than the first process and the one probe that the pause may have met, with its child: none of the three before.
  expect((await engine.expectDocker("top", id)).split("\n").length).toBeLessThanOrEqual(4);
  await engine.expectDocker("rm", "-f", id);
});

test("long output is cut at 4096 bytes", async () => {
  const long = await run(
    "docker",
    "--health-cmd",
    "head -c 100000 /dev/zero | tr '\\0' x",
    "--health-interval",
    "20ms",
  );
  await waitFor(long, "health_status: healthy");
  expect(await field(engine, long, "{{(index .State.Health.Log 0).Output}}")).toBe(`${"x".repeat(4096)}...`);
  await engine.expectDocker("rm", "-f", long);
});

test("the start period forgives, also a command that is not there", async () => {
  const options = "--start-period=1h --start-interval=20ms --retries=1";
  await engine.lighterInput(`FROM busybox\nHEALTHCHECK ${options} CMD ["/no/such"]\n`, "build", "-t", "starting", "-");
  const id = await engine.expectDocker("run", "-d", "starting", "sleep", "1000");
  const twice = ["events", "--since", "1h", "--filter", `container=${id}`, "--format", "{{.Action}}!"];
  await using watching = engine.terminal("docker", twice);
  await watching.waitFor(/(exec_start: \/no\/such!.*){2}/s);
  const [probe] = JSON.parse(await field(engine, id, "{{json .State.Health.Log}}"));
  expect([probe.ExitCode, probe.Output]).toEqual([-1, expect.stringContaining("/no/such")]);
  expect(await health(id)).toBe("starting 0");
  await engine.expectDocker("rm", "-f", id);
});

test("an image's HEALTHCHECK holds, until --no-healthcheck or flags say otherwise", async () => {
  const dockerfile = "FROM busybox\nHEALTHCHECK --interval=20ms CMD test -e /etc/passwd\n";
  await engine.lighterInput(dockerfile, "build", "-t", "checked", "-");
  const id = await engine.expectDocker("run", "-d", "checked", "sleep", "1000");
  await waitFor(id, "health_status: healthy");
  const none = await engine.expectDocker("run", "-d", "--no-healthcheck", "checked", "sleep", "1000");
  expect(await field(engine, none, "{{json .State.Health}} {{.Config.Healthcheck.Test}}")).toBe("null [NONE]");
  const other = await engine.expectDocker("run", "-d", "--health-cmd", "echo mine", "checked", "sleep", "1000");
  await waitFor(other, "health_status: healthy");
  expect(await field(engine, other, "{{(index .State.Health.Log 0).Output}}")).toBe("mine\n");
  await engine.expectDocker("rm", "-f", id, none, other);
});

test("checks pause with the container, and go on after the engine's death without a probe left behind", async () => {
  const probe = "echo $$ > /probe; rm /slow 2>/dev/null && exec sleep 1000; true";
  const id = await run("docker", "--health-cmd", probe, "--health-interval", "50ms");
  const inside = (script: string) => engine.expectDocker("exec", id, "sh", "-c", script);
  await waitFor(id, "health_status: healthy");
  const stuck = await inside("touch /slow; while [ -e /slow ]; do :; done; cat /probe");
  await engine.kill9();
  await engine.start();
  expect(await health(id)).toBe("healthy 0");
  await inside(`while [ -e /proc/${stuck} ]; do :; done`);
  await inside("rm /probe; while [ ! -s /probe ]; do :; done");
  await engine.expectDocker("pause", id);
  expect(await field(engine, id, "{{.State.Status}} {{.State.Health.Status}}")).toBe("paused healthy");
  await engine.expectDocker("unpause", id);
  await inside("rm -f /probe; while [ ! -s /probe ]; do :; done");
  await engine.expectDocker("rm", "-f", id);
});

test("a time below a millisecond is refused in Docker's words", async () => {
  for (const cli of CLIS) {
    const args = ["create", "--health-cmd", "true", "--health-interval", "10us", "busybox"];
    expect(await refusal(engine, cli, ...args)).toEqual(["Interval in Healthcheck cannot be less than 1ms", 1]);
  }
});
