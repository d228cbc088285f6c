import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { runProgram } from "../harness/program.ts";
import { startEngine, TestEngine, temporaryRoot } from "../harness/test-engine.ts";

const LIBRARY = resolve(import.meta.dirname, "../../dist/client.js");

let engine: TestEngine;
let scratch: string;

beforeAll(async () => {
  engine = await startEngine();
  scratch = mkdtempSync(join(tmpdir(), "lighter-library-"));
  writeFileSync(join(scratch, "Dockerfile"), "FROM busybox\nCOPY Dockerfile /copied\nCMD cat /copied\n");
});
afterAll(async () => {
  rmSync(scratch, { recursive: true });
  await engine[Symbol.asyncDispose]();
});

const NODE = ["node", "--input-type=module", "--eval"];
const runtimes: readonly [name: string, command: readonly string[]][] = [
  ["Node", NODE],
  ["Bun", [process.execPath, "--eval"]],
];

/** Runs statements that have `Engine` and `show`, and returns what they showed. */
async function evaluate(runtime: readonly string[], statements: string, env = engine.env): Promise<unknown[]> {
  // Node 20 has no `await using`; the library is the same without.
  const script = `
    import { Engine } from ${JSON.stringify(LIBRARY)};
    const shown = [];
    const show = (value) => shown.push(value);
    ${statements}
    console.log(JSON.stringify(shown));
  `;
  const { stdout, stderr, exitCode } = await runProgram([...runtime, script], { env });
  if (exitCode !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

test.each(runtimes)("on %s a program runs in a few lines", async (_name, runtime) => {
  const shown = await evaluate(
    runtime,
    `const engine = await Engine.start();
     show(await engine.run("busybox", ["sh", "-c", "echo $A; echo err >&2; exit 3"], { env: { A: "hi" } }));
     show((await engine.containers({ all: true })).length);
     await engine[Symbol.asyncDispose]();`,
  );
  expect(shown).toEqual([{ stdout: "hi\n", stderr: "err\n", exitCode: 3 }, 0]);
});

test.each(runtimes)("on %s a container is made, used and gone at the end of its scope", async (_name, runtime) => {
  const shown = await evaluate(
    runtime,
    `const engine = await Engine.connect(process.env.DOCKER_HOST);
     const container = await engine.create({ Image: "busybox", Cmd: ["sh", "-c", "echo up; exec sleep 1000"] }, { name: "lib" });
     await container.start();
     show(await container.exec(["sh", "-c", "echo in; exit 4"], { workingDirectory: "/tmp" }));
     show((await container.inspect()).State.Status);
     await container.kill();
     show(await container.wait());
     show(await container.logs());
     await container[Symbol.asyncDispose]();
     show((await engine.containers({ all: true })).length);
     await engine[Symbol.asyncDispose]();`,
  );
  expect(shown).toEqual([
    { stdout: "in\n", stderr: "", exitCode: 4 },
    "running",
    137,
    { stdout: "up\n", stderr: "" },
    0,
  ]);
});

test.each(runtimes)("on %s a directory is built", async (_name, runtime) => {
  const shown = await evaluate(
    runtime,
    `const engine = await Engine.start();
     let said = "";
     const id = await engine.build(${JSON.stringify(scratch)}, { tags: ["lib/built"], onProgress: (text) => { said += text; } });
     show(id); show(said.includes("Step 1/3"));
     show((await engine.run("lib/built")).stdout);
     await engine.build(${JSON.stringify(scratch)}, { dockerfile: { text: "FROM busybox\\nRUN exit 5" } }).catch((error) => show(error.code));
     await engine[Symbol.asyncDispose]();`,
  );
  const [id, ...rest] = shown;
  expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(rest).toEqual([true, "FROM busybox\nCOPY Dockerfile /copied\nCMD cat /copied\n", "BUILD_FAILED"]);
});

test.each(runtimes)("on %s refusals carry kind and code", async (_name, runtime) => {
  const shown = await evaluate(
    runtime,
    `const engine = await Engine.start();
     await engine.run("nosuch").catch(({ kind, code, message }) => show({ kind, code, message }));
     await Engine.connect("unix:///nosuch.sock").catch(({ kind, code }) => show({ kind, code }));
     await engine.run("busybox", ["yes"], { maxOutputBytes: 4999 }).catch(({ code }) => show(code));
     await engine[Symbol.asyncDispose]();`,
  );
  expect(shown).toEqual([
    { kind: "not-found", code: "ENGINE_REFUSED", message: "No such image: nosuch:latest" },
    { kind: "unavailable", code: "ENGINE_UNREACHABLE" },
    "OUTPUT_TOO_LONG",
  ]);
});

test("the library starts an engine where none listens, with the program of its package", async () => {
  await using own = new TestEngine(temporaryRoot());
  const shown = await evaluate(
    NODE,
    `const engine = await Engine.start({ root: process.env.LIGHTER_ROOT });
     show((await engine.version()).MinAPIVersion);
     await engine[Symbol.asyncDispose]();`,
    own.env,
  );
  expect(shown).toEqual(["1.24"]);
  expect(own.daemons()).toHaveLength(1);
});

test.each(runtimes)("on %s a container is committed and taken back, and its images compared", async (name, runtime) => {
  const image = `library-${name.toLowerCase()}`;
  const shown = await evaluate(
    runtime,
    `const engine = await Engine.connect(process.env.DOCKER_HOST);
     const container = await engine.create({ Image: "busybox", Cmd: ["sh", "-c", "trap exit TERM; sleep 1000 & wait"] });
     await container.start();
     for (const number of ["1", "2"]) {
       await container.exec(["sh", "-c", "echo " + number + " > /number"]);
       await container.commit({ name: "${image}:" + number, message: "commit " + number });
     }
     show((await engine.history.diff("${image}:1", "${image}:2")).map(({ Path }) => Path));
     show((await engine.history.log("${image}:2")).map(({ Comment }) => Comment).slice(0, 2));
     await container.rollback("1", { restart: true });
     show((await container.exec(["cat", "/number"])).stdout);
     show((await container.reflog()).map(({ Reason }) => Reason));
     await engine.history.rollback("${image}:2");
     show((await engine.history.reflog("${image}:2")).map(({ Reason }) => Reason));
     await container.remove({ force: true });
     await engine[Symbol.asyncDispose]();`,
  );
  expect(shown).toEqual([
    ["/number"],
    ["commit 2", "commit 1"],
    "1\n",
    ["rollback", "commit", "commit", "create"],
    ["rollback", "commit"],
  ]);
});
