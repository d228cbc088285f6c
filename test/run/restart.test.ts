import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { eventually } from "../harness/deadline.ts";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";

let engine: TestEngine;

beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine[Symbol.asyncDispose]());

const COUNT = "{{.RestartCount}} {{.State.Status}}";

function inspect(reference: string, format = COUNT): Promise<string> {
  return engine.expectDocker("inspect", "-f", format, reference);
}

/** The restarts have no event of their own that says "and no more". */
function untilState(reference: string, wanted: string): Promise<string> {
  return eventually(`${reference} is ${wanted}`, async () =>
    (await inspect(reference)) === wanted ? wanted : undefined,
  );
}

describe.each(["docker", "lighter"] as const)("%s run --restart", (cli) => {
  const detached = async (policy: string, script: string) =>
    (
      await engine[cli]("run", "-d", "--network", "none", "--restart", policy, "busybox", "sh", "-c", script)
    ).stdout.trim();

  test("on-failure:2 starts again twice, and keeps the last exit code and all output", async () => {
    const id = await detached("on-failure:2", "echo once; exit 3");
    await untilState(id, "2 exited");
    expect(await inspect(id, "{{.State.ExitCode}}")).toBe("3");
    expect(await engine.expectDocker("logs", id)).toBe("once\nonce\nonce");
    await engine.expectDocker("rm", id);
  });

  test("on-failure leaves a success alone", async () => {
    const id = await detached("on-failure", "exit 0");
    await engine.expectDocker("wait", id);
    expect(await inspect(id)).toBe("0 exited");
    await engine.expectDocker("rm", id);
  });

  test("always starts again whatever the exit code, until it is stopped", async () => {
    const id = await detached("always", "test -e /again && exec sleep 1000; touch /again");
    await untilState(id, "1 running");
    await engine.expectDocker("stop", "-t", "0", id);
    expect(await inspect(id)).toBe("1 exited");
    await engine.expectDocker("rm", id);
  });

  test("a policy is refused where it makes no sense", async () => {
    for (const [flags, text] of [
      [["--restart", "sometimes"], "invalid restart policy: unknown policy 'sometimes'"],
      [["--restart", "always:2"], "maximum retry count can only be used with 'on-failure'"],
      [["--rm", "--restart", "always"], "onflicting options"],
    ] as const) {
      const { stderr, exitCode } = await engine[cli]("run", ...flags, "busybox", "true");
      expect([stderr, exitCode]).toEqual([expect.stringContaining(text), 125]);
    }
    expect(await engine.expectDocker("ps", "-aqf", "status=created")).toBe("");
  });
});

test("after the engine's restart: always and unless-stopped run again, those stopped and those without a policy do not", async () => {
  const names = ["always", "unless-stopped", "no"] as const;
  for (const policy of names) {
    for (const stopped of [false, true]) {
      const name = `${policy}-${stopped ? "stopped" : "killed"}`;
      await engine.expectDocker(
        "run",
        "-d",
        "--network",
        "none",
        "--name",
        name,
        "--restart",
        policy,
        "busybox",
        "sleep",
        "1000",
      );
      if (stopped) await engine.expectDocker("stop", "-t", "0", name);
    }
  }
  // What ends while no engine looks is the engine's to notice, as after a reboot.
  const pids: number[] = [];
  for (const policy of names) pids.push(Number(await inspect(`${policy}-killed`, "{{.State.Pid}}")));
  await engine.kill9();
  for (const pid of pids) process.kill(pid, "SIGKILL");
  await engine.start();
  await eventually("those that are to run again do so", async () => {
    const running = (await engine.expectDocker("ps", "--format", "{{.Names}}")).split("\n").sort().join(" ");
    return running === "always-killed always-stopped unless-stopped-killed" ? running : undefined;
  });
  expect(await inspect("no-killed", "{{.State.ExitCode}}")).toBe("137");
});
