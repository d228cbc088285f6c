import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "./harness/deadline.ts";
import { startEngine, type TestEngine } from "./harness/test-engine.ts";

/** Writes a numbered line each 100 ms, then ends with the exit code. */
function counting(lines: number, exitCode: number): string[] {
  return ["sh", "-c", `i=0; while [ $i -lt ${lines} ]; do echo line $i; i=$((i+1)); sleep 0.1; done; exit ${exitCode}`];
}

function numbered(lines: number): string {
  return Array.from({ length: lines }, (_, index) => `line ${index}`).join("\n");
}

/** The container's log as the shim writes it, which is there without an engine too. */
async function logHas(engine: TestEngine, id: string, line: string): Promise<void> {
  const path = join(engine.root, "containers", id, `${id}-json.log`);
  await eventually(`${line} in ${path}`, () => (readFileSync(path, "utf8").includes(`${line}\\n`) ? true : undefined));
}

test("kill -9 of the engine loses and doubles no line of a container that writes, and wait gets its exit code", async () => {
  await using engine = await startEngine();
  const id = await engine.expectLighter("run", "-d", "busybox", ...counting(40, 7));
  for (const [line, later] of [
    ["line 8", "line 12"],
    ["line 16", "line 20"],
  ] as const) {
    await logHas(engine, id, line);
    await engine.kill9();
    await logHas(engine, id, later);
    await engine.start();
  }
  expect(await engine.expectLighter("wait", id)).toBe("7");
  expect(await engine.expectDocker("logs", id)).toBe(numbered(40));
});

test("a client that follows the logs over the engine's restart can go on where it was", async () => {
  await using engine = await startEngine();
  const id = await engine.expectLighter("run", "-d", "busybox", ...counting(20, 0));
  await engine.kill9();
  await engine.start();
  expect(await engine.expectDocker("logs", "--follow", id)).toBe(numbered(20));
});

test("a container that ends while no engine runs is found exited with its code", async () => {
  await using engine = await startEngine();
  const id = await engine.expectLighter("run", "-d", "--name", "brief", "busybox", ...counting(5, 3));
  await engine.kill9();
  const exitFile = join(engine.root, "containers", id, "exit.json");
  await eventually(`${exitFile} is written`, () => (existsSync(exitFile) ? true : undefined));
  await engine.start();
  expect(await engine.expectDocker("inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", "brief")).toBe(
    "exited 3",
  );
  expect(await engine.expectLighter("logs", "brief")).toBe(numbered(5));
});

test("a container that was running before kill -9 takes an exec, a signal and a removal afterwards", async () => {
  await using engine = await startEngine();
  const script = "trap 'echo caught; exit 5' USR1; echo ready; while :; do sleep 0.05; done";
  const id = await engine.expectLighter("run", "-d", "busybox", "sh", "-c", script);
  await logHas(engine, id, "ready");
  await engine.kill9();
  await engine.start();
  expect(await engine.expectLighter("exec", id, "echo", "inside")).toBe("inside");
  await engine.expectDocker("kill", "--signal", "USR1", id);
  expect(await engine.expectDocker("wait", id)).toBe("5");
  expect(await engine.expectLighter("logs", id)).toBe("ready\ncaught");
  await engine.expectDocker("rm", id);
});

/** Process ids of all that run this command. */
function processes(command: string): string[] {
  return readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && commandOf(pid) === command);
}

/** "" of a process that has ended meanwhile. */
function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return "";
  }
}

test("what a killed engine was building runs no longer once a new one is up", async () => {
  await using engine = await startEngine();
  const context = mkdtempSync(join(engine.root, "context-"));
  writeFileSync(join(context, "Dockerfile"), "FROM busybox\nRUN exec sleep 987654\n");
  await using building = engine.terminal("lighter", ["build", context]);
  const step = await eventually("the build's step runs", () => processes("sleep 987654")[0]);
  await engine.kill9();
  await engine.start();
  expect(processes("sleep 987654")).not.toContain(step);
  expect(building.screen).toContain("sleep 987654");
});
