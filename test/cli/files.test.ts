import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LIGHTER } from "../harness/program.ts";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";

let engine: TestEngine;
let scratch: string;

beforeAll(async () => {
  engine = await startEngine();
  scratch = mkdtempSync(join(tmpdir(), "lighter-files-"));
  const script = "mkdir -p /d/sub; echo 1 > /d/a; echo 2 > /d/sub/b; ln -s sub/b /d/link; exec sleep 1000";
  await engine.expectLighter("run", "-d", "--name", "box", "busybox", "sh", "-c", script);
  await engine.expectLighter("exec", "box", "sh", "-c", "until [ -h /d/link ]; do :; done");
  mkdirSync(join(scratch, "tree/sub"), { recursive: true });
  writeFileSync(join(scratch, "tree/file"), "text");
  symlinkSync("file", join(scratch, "tree/link"));
});
afterAll(async () => {
  rmSync(scratch, { recursive: true });
  await engine[Symbol.asyncDispose]();
});

const here = (name: string) => join(scratch, name);
const inBox = (script: string) => engine.expectLighter("exec", "box", "sh", "-c", script);

test("cp of a directory makes the target, or goes into it where it is there", async () => {
  await engine.expectLighter("cp", "box:/d", here("new"));
  expect(readdirSync(here("new")).sort()).toEqual(["a", "link", "sub"]);
  await engine.expectLighter("cp", "box:/d", here("new"));
  expect(readFileSync(here("new/d/sub/b"), "utf8")).toBe("2\n");
  await engine.expectLighter("cp", "box:/d/.", here("new/sub"));
  expect(readdirSync(here("new/sub")).sort()).toEqual(["a", "b", "link", "sub"]);
});

test("cp of a file copies it under a name, into a directory, or what a link points to", async () => {
  await engine.expectLighter("cp", "box:/d/a", here("renamed"));
  expect(readFileSync(here("renamed"), "utf8")).toBe("1\n");
  await engine.expectLighter("cp", "-L", "box:/d/link", here("followed"));
  expect(readFileSync(here("followed"), "utf8")).toBe("2\n");
});

test("cp into a container follows the same rules", async () => {
  await engine.expectLighter("cp", here("tree"), "box:/made");
  expect(await inBox("cat /made/link")).toBe("text");
  await engine.expectLighter("cp", here("tree"), "box:/made");
  expect(await inBox("ls /made/tree")).toBe("file\nlink\nsub");
  await engine.expectLighter("cp", `${here("tree")}/.`, "box:/tmp");
  expect(await inBox("cat /tmp/file")).toBe("text");
  await engine.expectLighter("cp", here("tree/file"), "box:/tmp/renamed");
  expect(await inBox("cat /tmp/renamed")).toBe("text");
});

test("cp streams archives", async () => {
  const archive = here("d.tar");
  const child = Bun.spawn(["sh", "-c", 'exec "$@" > d.tar', "sh", ...cli("cp", "box:/d", "-")], {
    cwd: scratch,
    env: engine.env,
  });
  expect(await child.exited).toBe(0);
  await inBox("mkdir -p /from-stdin");
  const { exitCode } = await engine.lighterInput(readFileSync(archive), "cp", "-", "box:/from-stdin");
  expect([exitCode, await inBox("cat /from-stdin/d/link")]).toEqual([0, "2"]);
});

test.each([
  ["a directory over a file", () => ["box:/d", here("tree/file")], "cannot copy directory"],
  ["a directory over a file in the container", () => [here("tree"), "box:/d/a"], "cannot copy directory"],
  ["a file to a directory that is not there", () => ["box:/d/a", `${here("nosuch")}/`], "no such directory"],
  ["below a directory that is not there", () => ["box:/d/a", here("nosuch/file")], "does not exist"],
  ["from here to here", () => [here("tree"), here("other")], "must specify at least one container"],
  ["from container to container", () => ["box:/d", "box:/e"], "between containers"],
])("cp of %s is refused", async (_name, operands, message) => {
  const { stderr, exitCode } = await engine.lighter("cp", ...operands());
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining(message)]);
});

test("an image goes through save, rmi and load unchanged", async () => {
  await engine.expectLighter("commit", "-m", "kept", "-c", "ENV A=1", "box", "kept:1");
  const id = await engine.expectLighter("images", "-q", "--no-trunc", "kept");
  await engine.expectLighter("save", "-o", here("kept.tar"), "kept:1");
  await engine.expectLighter("rmi", "kept:1");
  expect(await engine.expectLighter("load", "-i", here("kept.tar"))).toBe("Loaded image: kept:1");
  expect(await engine.expectLighter("images", "-q", "--no-trunc", "kept")).toBe(id);
  expect(await engine.expectLighter("run", "--rm", "kept:1", "sh", "-c", "cat /d/a; echo $A")).toBe("1\n1");
});

test("a save that fails leaves no file", async () => {
  expect((await engine.lighter("save", "-o", here("none.tar"), "nosuch")).exitCode).toBe(1);
  expect(readdirSync(scratch).filter((name) => name.startsWith("none.tar"))).toEqual([]);
});

test("export and import make an image of a container's files", async () => {
  await engine.expectLighter("export", "-o", here("box.tar"), "box");
  const id = await engine.expectLighter("import", "-c", 'CMD ["cat","/d/a"]', here("box.tar"), "imported");
  expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(await engine.expectLighter("run", "--rm", "imported")).toBe("1");
});

test("build sends a context, says the steps, and tags", async () => {
  writeFileSync(here("tree/Dockerfile"), "FROM busybox\nARG V=0\nCOPY . /c\nRUN echo value $V\nCMD ls /c\n");
  writeFileSync(here("tree/.dockerignore"), "sub\nDockerfile\n");
  const built = await engine.lighter("build", "-t", "built:1", "--build-arg", "V=7", here("tree"));
  for (const line of ["[internal] load build context", "[2/3] COPY . /c", "[3/3] RUN echo value $V", " value 7\n"]) {
    expect(built.stderr).toContain(line);
  }
  expect(built.stdout).toMatch(/^Successfully built [0-9a-f]{12}\nSuccessfully tagged built:1\n$/);
  expect(await engine.expectLighter("run", "--rm", "built:1")).toBe("file\nlink");
  const quiet = await engine.expectLighter("build", "-q", "--build-arg", "V=7", "--iidfile", here("iid"), here("tree"));
  expect(quiet).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(readFileSync(here("iid"), "utf8")).toBe(quiet);
});

test("a Dockerfile on standard input builds with and without a context", async () => {
  const alone = await engine.lighterInput("FROM busybox\nRUN echo alone\n", "build", "-");
  expect([alone.exitCode, alone.stderr]).toEqual([0, expect.stringContaining("alone")]);
  const file = "FROM busybox\nCOPY . /c\nRUN ls -A /c\n";
  const context = await engine.lighterInput(file, "build", "-f", "-", here("tree"));
  expect([context.exitCode, context.stderr]).toEqual([0, expect.stringMatching(/ file\n#\d+ [\d.]+ link\n/)]);
  expect(context.stderr).not.toMatch(/\.dockerfile/);
});

test("a step that fails gives its exit status and leaves no ID file", async () => {
  const iid = here("no-iid");
  const { exitCode, stderr } = await engine.lighterInput("FROM busybox\nRUN exit 9\n", "build", "--iidfile", iid, "-");
  expect([exitCode, stderr]).toEqual([9, expect.stringContaining("did not complete successfully: exit code: 9")]);
  expect(existsSync(iid)).toBe(false);
});

function cli(...args: string[]): string[] {
  return [...LIGHTER, ...args];
}
