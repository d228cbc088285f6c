import { afterAll, beforeAll, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { within } from "../harness/deadline.ts";
import { LIGHTER } from "../harness/program.ts";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";

let engine: TestEngine;
let scratch: string;

beforeAll(async () => {
  engine = await startEngine();
  scratch = mkdtempSync(join(tmpdir(), "lighter-cli-"));
});
afterAll(async () => {
  rmSync(scratch, { recursive: true });
  await engine[Symbol.asyncDispose]();
});

test("output, errors and exit status are the program's own", async () => {
  const outcome = await engine.lighter("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2; exit 7");
  expect(outcome).toEqual({ stdout: "out\n", stderr: "err\n", exitCode: 7 });
});

test("standard input reaches the program, and its end too", async () => {
  const input = "line\n".repeat(200_000);
  const { stdout, exitCode } = await engine.lighterInput(input, "run", "--rm", "-i", "busybox", "wc", "-c");
  expect([stdout.trim(), exitCode]).toEqual([String(input.length), 0]);
});

test("with --rm the name is free again when the command ends", async () => {
  for (let count = 0; count < 3; count++) {
    expect(await engine.expectLighter("run", "--rm", "--name", "again", "busybox", "echo", "x")).toBe("x");
  }
});

test("--detach prints the ID, --cidfile writes it and is not overwritten", async () => {
  const file = join(scratch, "cid");
  const id = await engine.expectLighter("run", "-d", "--rm", "--cidfile", file, "busybox", "sleep", "1000");
  expect(id).toMatch(/^[0-9a-f]{64}$/);
  expect(readFileSync(file, "utf8")).toBe(id);
  const second = await engine.lighter("run", "--cidfile", file, "busybox", "true");
  expect([second.exitCode, second.stderr]).toEqual([125, expect.stringContaining("container ID file found")]);
  await engine.expectLighter("rm", "-f", id);
});

test("a container that cannot be made leaves no ID file", async () => {
  const file = join(scratch, "none");
  expect((await engine.lighter("run", "--cidfile", file, "--name", "!", "busybox")).exitCode).toBe(125);
  expect(existsSync(file)).toBe(false);
});

test("an image that is not there is named, and what to do", async () => {
  const { stderr, exitCode } = await engine.lighter("run", "nosuch", "true");
  expect(exitCode).toBe(125);
  expect(stderr).toStartWith("Unable to find image 'nosuch:latest' locally\nlighter: Error response from daemon: ");
  const never = await engine.lighter("run", "--pull", "never", "nosuch");
  expect(never.stderr).toStartWith("lighter: Error response from daemon: No such image: nosuch:latest");
});

test("a signal to the command goes to the program", async () => {
  const [program = "", ...leading] = LIGHTER;
  const script = "trap 'echo got; exit 4' TERM; echo ready; while :; do sleep 0.05; done";
  const child = spawn(program, [...leading, "run", "--rm", "busybox", "sh", "-c", script], { env: engine.env });
  let output = "";
  const ready = Promise.withResolvers<void>();
  child.stdout.on("data", (chunk) => {
    output += chunk;
    if (output.includes("ready")) ready.resolve();
  });
  await within("the program is ready", ready.promise);
  child.kill("SIGTERM");
  const [exitCode] = await within("the command ends", once(child, "exit"));
  expect([output, exitCode]).toEqual(["ready\ngot\n", 4]);
});

test("a reader that leaves early ends the command, as a broken pipe does", async () => {
  const [program = "", ...leading] = LIGHTER;
  const child = spawn(program, [...leading, "run", "--rm", "--name", "endless", "busybox", "yes"], { env: engine.env });
  await once(child.stdout, "data");
  child.stdout.destroy();
  const [exitCode] = await within("the command ends", once(child, "exit"));
  expect(exitCode).toBe(141);
  await engine.expectLighter("rm", "-f", "endless");
});

test("a reader that is slow on a pipe that does not block loses nothing", async () => {
  // The shell gives the command a pipe; the program in the middle makes it non-blocking and reads in small pieces.
  const reader = join(scratch, "slow.py");
  writeFileSync(
    reader,
    [
      "import fcntl, os, subprocess, sys, time",
      "r, w = os.pipe()",
      "fcntl.fcntl(w, fcntl.F_SETFL, fcntl.fcntl(w, fcntl.F_GETFL) | os.O_NONBLOCK)",
      "child = subprocess.Popen(sys.argv[1:], stdout=w)",
      "os.close(w)",
      "total = 0",
      "while True:",
      "    piece = os.read(r, 16384)",
      "    if not piece: break",
      "    total += len(piece)",
      "    os.sched_yield()",
      "print(total, child.wait())",
    ].join("\n"),
  );
  const command = [...LIGHTER, "run", "--rm", "busybox", "head", "-c", "5000000", "/dev/zero"];
  const child = Bun.spawn(["python3", reader, ...command], { env: engine.env, stdout: "pipe" });
  expect(await new Response(child.stdout).text()).toBe("5000000 0\n");
});

test("LIGHTER_TRACE=1 prints the phases of the command and of the engine", async () => {
  const child = Bun.spawn([...LIGHTER, "run", "--rm", "busybox", "true"], {
    env: { ...engine.env, LIGHTER_TRACE: "1" },
    stderr: "pipe",
    stdout: "pipe",
  });
  const table = await new Response(child.stderr).text();
  for (const phase of ["PHASE", "cli: created", "cli: started", "cli: exit status", "engine: "])
    expect(table).toContain(phase);
});
