import { afterAll, beforeAll, expect, test } from "bun:test";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";
import { CLIS, field, output } from "./both-clis.ts";

let engine: TestEngine;

beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine[Symbol.asyncDispose]());

const restarts = (id: string) => field(engine, id, "{{.RestartCount}} {{.State.Status}} {{.State.ExitCode}}");

/** Until the container has said the line that many times. */
async function heard(id: string, line: string, times: number): Promise<void> {
  await using follower = engine.terminal("docker", ["logs", "-f", id]);
  await follower.waitFor(new RegExp(`(${line}\\s+){${times}}`));
}

test.each(CLIS)("%s run --restart on-failure:2 tries twice more, then leaves it", async (cli) => {
  const id = await output(
    engine,
    cli,
    "run",
    "-d",
    "--restart",
    "on-failure:2",
    "busybox",
    "sh",
    "-c",
    "echo again; exit 3",
  );
  const events = [
    "events",
    "--since",
    "1h",
    "--filter",
    `container=${id}`,
    "--filter",
    "event=die",
    "--format",
    "{{.Action}}!",
  ];
  await using watching = engine.terminal("docker", events);
  await watching.waitFor(/(die!\s+){3}/);
  expect(await output(engine, cli, "wait", id)).toBe("3");
  expect(await restarts(id)).toBe("2 exited 3");
  expect(await output(engine, cli, "logs", id)).toBe("again\nagain\nagain");
  await output(engine, cli, "rm", id);
});

test.each(CLIS)("%s run --restart on-failure leaves what ended well", async (cli) => {
  const id = await output(engine, cli, "run", "-d", "--restart", "on-failure", "busybox", "true");
  await output(engine, cli, "wait", id);
  expect(await restarts(id)).toBe("0 exited 0");
  await output(engine, cli, "rm", id);
});

test.each(CLIS)("%s run --restart always brings it back until it is stopped", async (cli) => {
  const script = "echo up; trap 'exit 0' TERM; n=0; while [ $n -lt 3 ]; do sleep 0.02; n=$((n+1)); done; exit 0";
  const id = await output(engine, cli, "run", "-d", "--restart", "always", "busybox", "sh", "-c", script);
  await heard(id, "up", 1);
  await using watching = engine.terminal("docker", [
    "events",
    "--since",
    "1h",
    "--filter",
    `container=${id}`,
    "--format",
    "{{.Action}}!",
  ]);
  await watching.waitFor(/(start!\s+die!.*){2}/s);
  await output(engine, cli, "stop", id);
  expect(await field(engine, id, "{{.State.Status}} {{.State.Restarting}}")).toBe("exited false");
  await output(engine, cli, "rm", id);
});

test("--rm and a restart policy cannot be had together", async () => {
  for (const cli of CLIS) {
    const { stderr, exitCode } = await engine[cli]("run", "--rm", "--restart", "always", "busybox");
    expect([stderr, exitCode]).toEqual([
      expect.stringContaining("conflicting options: cannot specify both --restart and --rm"),
      125,
    ]);
  }
});

test("over the engine's restart: always and unless-stopped come back, what was stopped does so for always alone", async () => {
  const run = (name: string, policy: string) =>
    engine.expectDocker("run", "-d", "--name", name, "--restart", policy, "busybox", "sleep", "1000");
  await run("always-running", "always");
  await run("always-stopped", "always");
  await run("unless-running", "unless-stopped");
  await run("unless-stopped", "unless-stopped");
  await run("no-policy", "no");
  await engine.expectDocker("stop", "-t", "0", "always-stopped", "unless-stopped");
  const pid = await field(engine, "always-running", "{{.State.Pid}}");
  const since = (Date.now() / 1000).toFixed(3);
  await engine.restart();
  const state = (name: string) => field(engine, name, "{{.State.Status}}");
  expect(await field(engine, "always-running", "{{.State.Pid}}")).toBe(pid);
  expect(await state("unless-running")).toBe("running");
  expect(await state("unless-stopped")).toBe("exited");
  expect(await state("no-policy")).toBe("running");
  await using watching = engine.terminal("docker", [
    "events",
    "--since",
    since,
    "--filter",
    "event=start",
    "--filter",
    "container=always-stopped",
    "--format",
    "{{.Action}}!",
  ]);
  await watching.waitFor("start!");
  expect(await state("always-stopped")).toBe("running");
});

test("what ended while no engine ran is brought back by its policy", async () => {
  const id = await engine.expectDocker("run", "-d", "--restart", "always", "busybox", "sleep", "1000");
  const pid = Number(await field(engine, id, "{{.State.Pid}}"));
  const since = (Date.now() / 1000).toFixed(3);
  await engine.stop();
  process.kill(pid, "SIGKILL");
  await engine.start();
  await using watching = engine.terminal("docker", [
    "events",
    "--since",
    since,
    "--filter",
    "event=start",
    "--filter",
    `container=${id}`,
    "--format",
    "{{.Action}}!",
  ]);
  await watching.waitFor("start!");
  expect(Number(await field(engine, id, "{{.State.Pid}}"))).not.toBe(pid);
});

test("while a container waits for its restart it counts as running; stop, kill and rm -f end that", async () => {
  const run = () => engine.expectDocker("run", "-d", "--restart", "always", "busybox", "false");
  // The delay doubles with each restart: the fifth leaves more than a second to look.
  const waiting = async (id: string) => {
    await using watching = engine.terminal("docker", [
      ...["events", "--since", "1h", "--filter", `container=${id}`, "--filter", "event=die"],
      ...["--format", "{{.Action}}!"],
    ]);
    await watching.waitFor(/(die!\s+){5}/);
  };
  const id = await run();
  await waiting(id);
  expect(await field(engine, id, "{{.State.Status}} {{.State.Running}} {{.State.Restarting}} {{.State.Pid}}")).toBe(
    "restarting true true 0",
  );
  expect(await engine.expectDocker("ps", "--filter", `id=${id}`, "--format", "{{.Status}}")).toMatch(
    /^Restarting \(1\) .+ ago$/,
  );
  for (const [command, expected] of [
    [["rm", id], "container is restarting: stop the container before removing or force remove"],
    [["exec", id, "true"], `Container ${id} is restarting, wait until the container is running`],
    [["pause", id], `Container ${id} is restarting, wait until the container is running`],
  ] as const) {
    expect((await engine.docker(...command)).stderr).toContain(expected);
  }
  expect((await engine.api(`/containers/${id}/start`, { method: "POST" })).status).toBe(304);
  await engine.expectDocker("stop", id);
  expect(await field(engine, id, "{{.State.Status}} {{.State.Running}}")).toBe("exited false");
  await engine.expectDocker("rm", id);

  const killed = await run();
  await waiting(killed);
  await engine.expectDocker("kill", killed);
  expect(await field(engine, killed, "{{.State.Status}}")).toBe("exited");
  await engine.expectDocker("update", "--restart", "no", killed);
  await engine.expectDocker("start", killed);
  expect(await engine.expectDocker("wait", killed)).toBe("1");
  expect(await restarts(killed)).toBe("0 exited 1");
  await engine.expectDocker("rm", killed);

  const removed = await run();
  await waiting(removed);
  await engine.expectDocker("rm", "-f", removed);
});

test("update --restart holds from the next end on, and is checked", async () => {
  const id = await engine.expectDocker(
    "run",
    "-d",
    "busybox",
    "sh",
    "-c",
    "while [ ! -e /go ]; do sleep 0.02; done; exit 3",
  );
  expect((await engine.docker("update", "--restart", "always:3", id)).stderr).toContain("maximum retry count can only");
  await engine.expectDocker("update", "--restart", "on-failure:1", id);
  await engine.expectDocker("exec", id, "touch", "/go");
  await using watching = engine.terminal("docker", [
    ...["events", "--since", "1h", "--filter", `container=${id}`, "--filter", "event=die", "--format", "{{.Action}}!"],
  ]);
  await watching.waitFor(/(die!\s+){2}/);
  expect(await engine.expectDocker("wait", id)).toBe("3");
  expect(await restarts(id)).toBe("1 exited 3");
  await engine.expectDocker("rm", id);
});

test("a container that has run before stays exited where it cannot start again", async () => {
  const id = await engine.expectDocker("run", "-d", "busybox", "sh", "-c", "mv /bin/sh /bin/gone");
  await engine.expectDocker("wait", id);
  expect((await engine.docker("start", id)).exitCode).toBe(1);
  expect(await field(engine, id, "{{.State.Status}} {{.State.ExitCode}}")).toBe("exited 127");
  expect(await field(engine, id, "{{.State.Error}}")).toContain('exec: "sh": executable file not found');
  await engine.expectDocker("rm", id);
});
