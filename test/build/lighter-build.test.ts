import { afterAll, beforeAll, expect, test } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";

/** One engine for all: each test has its own names. */
let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
});

function contextOf(files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(engine.root, "context-"));
  for (const [name, text] of Object.entries(files)) write(directory, name, text);
  return directory;
}

function write(directory: string, name: string, text: string): void {
  mkdirSync(dirname(join(directory, name)), { recursive: true });
  writeFileSync(join(directory, name), text);
}

async function build(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const { exitCode, stdout, stderr } = await engine.lighter("build", ...args);
  expect([exitCode, stderr]).toEqual([0, expect.any(String)]);
  return { stdout, stderr };
}

test("an output is a directory, an archive of files, or an image's archive that loads elsewhere", async () => {
  const context = contextOf({ Dockerfile: "FROM scratch\nCOPY d /d\nCOPY run /run", "d/a": "a", run: "r" });
  const out = join(context, "..", "out-directory");
  await build("-o", out, context);
  expect([readFileSync(join(out, "d/a"), "utf8"), readdirSync(out).sort()]).toEqual(["a", ["d", "run"]]);
  const tar = join(context, "files.tar");
  await build("-o", `type=tar,dest=${tar}`, context);
  expect(spawnSync("tar", ["-tf", tar]).stdout.toString().split("\n")).toContain("d/a");
  for (const type of ["docker", "oci"]) {
    const archive = join(context, `${type}.tar`);
    await build("-t", `loaded:${type}`, "-o", `type=${type},dest=${archive}`, context);
    expect((await engine.lighter("image", "inspect", `loaded:${type}`)).exitCode).toBe(1);
    await engine.expectLighter("load", "-i", archive);
    expect(await engine.expectLighter("image", "inspect", "-f", "{{len .RootFS.Layers}}", `loaded:${type}`)).toBe("2");
  }
});

test("of a directory only what has changed is sent the second time, and what is gone is gone", async () => {
  const context = contextOf({ Dockerfile: "FROM busybox\nCOPY . /c\nCMD ls -R /c", "d/a": "a", "d/b": "b" });
  await build("-t", "sent", context);
  const kept = join(engine.root, "build-contexts-own");
  // Not the inode's number, which a new file may get again.
  const changedAt = (name: string) => {
    const found = readdirSync(kept).map((key) => join(kept, key, "files", name));
    return found.filter((path) => existsSync(path)).map((path) => statSync(path, { bigint: true }).ctimeNs);
  };
  const [a, b] = [changedAt("d/a"), changedAt("d/b")];
  write(context, "d/b", "changed");
  const again = await build("-t", "sent", context);
  expect(changedAt("d/a")).toEqual(a);
  expect(changedAt("d/b")).not.toEqual(b);
  expect(again.stderr).toMatch(/\[2\/2\] COPY \. \/c\n#\d+ DONE/);
  expect(await engine.expectLighter("run", "--rm", "sent", "cat", "/c/d/b")).toBe("changed");
  // Only times: everything is from the cache.
  utimesSync(join(context, "d/a"), 1, 1);
  expect((await build("-t", "sent", context)).stderr).toMatch(/\[2\/2\] COPY \. \/c\n#\d+ CACHED/);
});

test("named contexts stand in for stages and images, and are copied from", async () => {
  const other = contextOf({ f: "other" });
  const context = contextOf({
    Dockerfile: "FROM base AS b\nFROM busybox\nCOPY --from=extra f /f\nCOPY --from=b /etc/passwd /p\nCMD cat /f",
  });
  const named = ["--build-context", `extra=${other}`, "--build-context", "base=docker-image://busybox"];
  await build("-t", "named", ...named, context);
  expect(await engine.expectLighter("run", "--rm", "named")).toBe("other");
});

test("contexts come from standard input, from an address and from a repository", async () => {
  const context = contextOf({ Dockerfile: "FROM busybox\nCOPY a /a\nCMD cat /a", a: "remote" });
  const archive = join(engine.root, "context.tar.gz");
  spawnSync("tar", ["-C", context, "-czf", archive, "."]);
  const piped = await engine.lighterInput(readFileSync(archive), "build", "-t", "piped", "-");
  expect([piped.exitCode, piped.stdout]).toEqual([0, expect.stringContaining("tagged piped:latest")]);

  const server = createServer((request, response) => {
    response.end(readFileSync(request.url === "/c.tar.gz" ? archive : join(context, "Dockerfile")));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    await build("-t", "fetched", `http://127.0.0.1:${port}/c.tar.gz`);
    expect(await engine.expectLighter("run", "--rm", "fetched")).toBe("remote");
    const added = contextOf({ Dockerfile: `FROM scratch\nADD http://127.0.0.1:${port}/Dockerfile /d/` });
    await build("-o", join(added, "out"), added);
    expect(readFileSync(join(added, "out/d/Dockerfile"), "utf8")).toStartWith("FROM busybox");
  } finally {
    server.close();
  }
});

test("git repositories are contexts and sources of ADD, by branch and directory", async () => {
  const repository = contextOf({ "sub/Dockerfile": "FROM busybox\nCOPY f /f\nCMD cat /f", "sub/f": "of the branch" });
  const git = (...args: string[]) => {
    const identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"];
    const { status, stderr } = spawnSync("git", [...identity, "-C", repository, ...args]);
    expect([args[0], status, stderr.toString()]).toEqual([args[0], 0, expect.any(String)]);
  };
  git("init", "-q");
  git("add", ".");
  git("commit", "-qm", "first");
  git("branch", "side");
  const port = await freePort();
  const options = ["--reuseaddr", "--export-all", "--listen=127.0.0.1", `--port=${port}`, `--base-path=${engine.root}`];
  // Not by way of `git`, whose end is not the server's.
  const programs = spawnSync("git", ["--exec-path"]).stdout.toString().trim();
  const daemon = spawn(join(programs, "git-daemon"), ["--verbose", ...options], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  try {
    await once(daemon.stderr, "data");
    const url = `git://127.0.0.1:${port}/${repository.slice(engine.root.length + 1)}`;
    await build("-t", "from-git", `${url}#side:sub`);
    expect(await engine.expectLighter("run", "--rm", "from-git")).toBe("of the branch");
    const context = contextOf({ Dockerfile: `FROM scratch\nADD ${url}#side /plain\nADD --keep-git-dir ${url} /kept` });
    await build("-o", join(context, "out"), context);
    expect(readdirSync(join(context, "out/plain"))).toEqual(["sub"]);
    expect(readdirSync(join(context, "out/kept")).sort()).toEqual([".git", "sub"]);
    const local = contextOf({ Dockerfile: `FROM scratch\nADD git@127.0.0.1:${repository} /x` });
    expect((await engine.lighter("build", local)).stderr).toContain("failed to fetch remote");
  } finally {
    daemon.kill("SIGKILL");
    await once(daemon, "exit");
  }
});

test("the same inputs give the same image on another engine, whatever the clock says", async () => {
  const context = contextOf({
    Dockerfile: 'FROM scratch AS base\nCOPY bin /bin\nFROM base\nRUN ["/bin/busybox", "mkdir", "/made"]\nCOPY a /a',
    a: "a",
  });
  mkdirSync(join(context, "bin"));
  writeFileSync(join(context, "bin/busybox"), readFileSync("/bin/busybox"), { mode: 0o755 });
  await using other = await startEngine({ busybox: false });
  const ids: string[] = [];
  for (const [number, on] of [engine, other].entries()) {
    const touched = new Date(Date.now() - number * 60_000);
    utimesSync(join(context, "a"), touched, touched);
    ids.push(
      await on.expectLighter("build", "-q", "--no-cache", "--build-arg", "SOURCE_DATE_EPOCH=1700000000", context),
    );
  }
  expect(ids[0]).toBe(ids[1]);
  expect(await engine.expectLighter("image", "inspect", "-f", "{{.Created}}", ids[0] ?? "")).toBe(
    "2023-11-14T22:13:20Z",
  );
});

test("stages that do not need each other run side by side", async () => {
  // Each waits for a file of the other's in a cache that both have mounted.
  const wait = (mine: string, others: string) =>
    `RUN --mount=type=cache,id=meet,target=/m touch /m/${mine}; for i in $(seq 200); do [ -e /m/${others} ] && exit 0; sleep 0.05; done; exit 1`;
  const context = contextOf({
    Dockerfile: `FROM busybox AS a\n${wait("a", "b")}\nFROM busybox AS b\n${wait("b", "a")}\nFROM scratch\nCOPY --from=a /etc/passwd /1\nCOPY --from=b /etc/passwd /2`,
  });
  await build(context);
});

test("why a step was made, and a picture of all", async () => {
  const context = contextOf({ Dockerfile: "FROM busybox\nRUN echo explained\nCOPY a /a", a: "1" });
  const first = await build("--explain", context);
  expect(first.stderr).toMatch(/RUN echo explained\n {4}made in [\d.]+s: it was not built before/);
  write(context, "a", "2");
  const picture = join(context, "graph.svg");
  const second = await build("--explain", "--graph", picture, context);
  expect(second.stderr).toContain("RUN echo explained\n    cached: ");
  expect(second.stderr).toMatch(/COPY a \/a\n {4}made in [\d.]+s: files that it copies have changed/);
  expect(readFileSync(picture, "utf8")).toMatch(/^<svg [\s\S]*RUN echo explained[\s\S]*critical path[\s\S]*<\/svg>\n$/);
});

test("a Dockerfile is checked by BuildKit's rules, with a build and without", async () => {
  const context = contextOf({
    Dockerfile: "FROM busybox\nENV key value\nCOPY a /a\nCMD x",
    a: "a",
    ".dockerignore": "a",
  });
  const { exitCode, stderr } = await engine.lighter("build", "--check", context);
  expect(exitCode).toBe(1);
  for (const rule of ["LegacyKeyValueFormat", "JSONArgsRecommended", "CopyIgnoredFile"])
    expect(stderr).toContain(` - ${rule}: `);
  write(context, "Dockerfile", "# check=error=true\nFROM busybox\nCMD x");
  const failed = await engine.lighter("build", context);
  expect([failed.exitCode, failed.stderr]).toEqual([
    1,
    expect.stringContaining("lint violation found for rules: JSONArgs"),
  ]);
  write(context, "Dockerfile", 'FROM busybox\nCMD ["x"]');
  expect(await engine.expectLighter("build", "--check", context)).toBe("Check complete, no warnings found.");
});

test("an image carries the cache of its steps to another engine", async () => {
  const context = contextOf({
    Dockerfile: 'FROM scratch AS a\nCOPY bin /bin\nFROM a\nRUN ["/bin/busybox", "mkdir", "/made"]',
  });
  mkdirSync(join(context, "bin"));
  writeFileSync(join(context, "bin/busybox"), readFileSync("/bin/busybox"), { mode: 0o755 });
  await build("-t", "carrier", "--cache-to", "type=inline", context);
  const archive = join(context, "..", "carrier.tar");
  await engine.expectLighter("save", "-o", archive, "carrier");
  await using other = await startEngine({ busybox: false });
  await other.expectLighter("load", "-i", archive);
  const { exitCode, stderr } = await other.lighter("build", "--cache-from", "carrier", context);
  expect([exitCode, stderr]).toEqual([
    0,
    expect.stringMatching(/RUN \["\/bin\/busybox", "mkdir", "\/made"\]\n#\d+ CACHED/),
  ]);
});

test("secrets are nowhere on the disk, neither while a step has them nor afterwards", async () => {
  const secret = `hush-${crypto.randomUUID()}`;
  const run = `RUN --mount=type=secret,id=s,env=S --mount=type=secret,id=s cat /run/secrets/s > /dev/null; test "$S"`;
  const context = contextOf({ Dockerfile: `FROM busybox\n${run}` });
  const path = join(contextOf({ secret }), "secret");
  await build("-t", "secretive", "--secret", `id=s,src=${path}`, context);
  const { stdout } = spawnSync("grep", ["-rl", secret, engine.root, engine.paths.run]);
  expect(stdout.toString().trim()).toBe(path);
});

test("what builds keep is listed and pruned, and what is in use by an image stays unless all is meant", async () => {
  await build(
    "-t",
    "prune-me",
    contextOf({ Dockerfile: "FROM busybox\nRUN --mount=type=cache,id=p,target=/p echo x > /x" }),
  );
  expect(await engine.expectLighter("system", "df", "-v")).toContain("exec.cachemount");
  expect(await engine.expectLighter("builder", "prune", "-af")).toContain("Total reclaimed space");
  expect(await engine.expectLighter("system", "df", "-v")).not.toContain("exec.cachemount");
  expect(await engine.expectLighter("run", "--rm", "prune-me", "cat", "/x")).toBe("x");
});

test("the client's end ends every step, and the next build is right", async () => {
  const context = contextOf({ Dockerfile: "FROM busybox\nRUN echo kept > /kept\nRUN echo started; sleep 1000" });
  const client = spawn(join(import.meta.dir, "../../dist/lighter"), ["build", context], { env: engine.env });
  let said = "";
  for await (const piece of client.stderr) {
    said += piece;
    if (said.includes(" started\n")) break;
  }
  client.kill("SIGINT");
  write(context, "Dockerfile", "FROM busybox\nRUN echo kept > /kept\nRUN cat /kept");
  const { stderr } = await build(context);
  expect(stderr).toMatch(/RUN echo kept > \/kept\n#\d+ CACHED/);
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
