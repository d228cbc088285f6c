import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";

/** One engine for all: each test has its own names, and what they leave is seen at the end. */
let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine({ env: { DOCKER_BUILDKIT: "0" } });
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
});

/** A directory with these files, removed with the engine's root. */
function contextOf(files: Readonly<Record<string, string>>): string {
  mkdirSync(join(engine.root, "tmp"), { recursive: true });
  const directory = mkdtempSync(join(engine.root, "tmp", "context-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return directory;
}

test("docker build makes an image that runs, and takes it from the cache the second time", async () => {
  const context = contextOf({
    Dockerfile: `FROM busybox AS made
ARG WHO=nobody
RUN echo "made for $WHO" > /made
FROM busybox
COPY --from=made /made /made
COPY data /data
WORKDIR /data
CMD ["sh", "-c", "cat /made; pwd; ls"]`,
    "data/kept": "k",
    "data/left-out": "l",
    ".dockerignore": "**/left-out",
  });
  const build = () => engine.expectDocker("build", "-t", "e2e", "--build-arg", "WHO=me", "--label", "l=v", context);
  const first = await build();
  expect(first).toContain("Step 1/9 : FROM busybox AS made");
  expect(first).toContain("Successfully tagged e2e:latest");
  expect(await engine.expectDocker("run", "--rm", "e2e")).toBe("made for me\n/data\nkept");
  expect(await engine.expectDocker("inspect", "-f", "{{.Config.Labels.l}}", "e2e")).toBe("v");
  const second = await build();
  expect(second.split("---> Using cache").length - 1).toBe(7);
  expect(second).not.toContain("Running in");
});

test("steps have the container's world, and their layers hold what they wrote and nothing else", async () => {
  const context = contextOf({
    Dockerfile: `FROM scratch
COPY --from=busybox /bin /bin
RUN hostname > /host; cat /proc/1/comm > /first; id -u > /user; mkdir /tmp; echo x > /tmp/x
RUN true`,
  });
  await engine.expectDocker("build", "-t", "world", context);
  const world = await engine.expectDocker("run", "--rm", "world", "cat", "/host", "/first", "/user");
  expect(world).toMatch(/^[0-9a-f]{12}\nsh\n0$/);
  // What the engine mounts over the root leaves no trace: a step that writes nothing makes no layer.
  const layers = await engine.expectDocker("inspect", "-f", "{{len .RootFS.Layers}}", "world");
  expect(layers).toBe("2");
  const container = await engine.expectDocker("create", "world", "true");
  const archive = join(context, "root.tar");
  await engine.expectDocker("export", "-o", archive, container);
  const names = Bun.spawnSync(["tar", "-tf", archive]).stdout.toString().split("\n");
  const top = new Set(names.map((name) => name.replace(/^\.?\//, "").split("/")[0] ?? "").filter(Boolean));
  for (const name of ["bin", "first", "host", "tmp", "user"]) expect(top).toContain(name);
});

test("a step that fails has the command's exit code and leaves no container", async () => {
  const context = contextOf({ Dockerfile: "FROM busybox\nRUN echo why >&2; exit 7" });
  const { exitCode, stdout, stderr } = await engine.docker("build", context);
  expect(exitCode).toBe(7);
  expect(stdout).toContain("why");
  expect(stderr).toContain("The command '/bin/sh -c echo why >&2; exit 7' returned a non-zero code: 7");
  expect(await engine.expectDocker("ps", "-aq")).not.toContain(stdout.match(/Running in (\w+)/)?.[1] ?? "no id");
});

test("a broken Dockerfile is refused with its line, and a missing one with its name", async () => {
  const broken = await engine.docker("build", contextOf({ Dockerfile: "FROM busybox\n\nRUNN x" }));
  expect(broken.exitCode).toBe(1);
  expect(broken.stderr).toContain(
    "dockerfile parse error on line 3: unknown instruction: RUNN (did you mean RUN?)\nDockerfile:3\n 3 | RUNN x\n   | ^^^^",
  );
  const missing = await engine.docker("build", "-t", "x", contextOf({ other: "FROM busybox" }));
  expect(missing.stderr).toContain("Dockerfile");
  expect(missing.exitCode).toBe(1);
});

test("-q, -f, --target, --iidfile, --no-cache and a Dockerfile on standard input", async () => {
  const context = contextOf({ "sub/file": "FROM busybox AS a\nENV S=a\nFROM a\nENV S=b" });
  const iidFile = join(context, "iid");
  const id = await engine.expectDocker(
    "build",
    "-q",
    "-f",
    join(context, "sub/file"),
    "--target",
    "a",
    "--iidfile",
    iidFile,
    context,
  );
  expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(readFileSync(iidFile, "utf8").trim()).toBe(id);
  expect(await engine.expectDocker("inspect", "-f", "{{.Config.Env}}", id)).toContain("S=a");
  const anew = await engine.expectDocker("build", "--no-cache", "-f", join(context, "sub/file"), context);
  expect(anew).not.toContain("Using cache");
  const { stdout } = await engine.dockerInput("FROM busybox\nENV FROM=stdin\n", "build", "-q", "-");
  expect(await engine.expectDocker("inspect", "-f", "{{.Config.Env}}", stdout.trim())).toContain("FROM=stdin");
});

test("--network none cuts a step off, and limits reach it", async () => {
  const context = contextOf({ Dockerfile: "FROM busybox\nRUN ls /sys/class/net" });
  expect(await engine.expectDocker("build", "--no-cache", "--network", "none", context)).toMatch(/\nlo\n/);
  const limited = contextOf({ Dockerfile: "FROM busybox\nRUN ulimit -n" });
  expect(await engine.expectDocker("build", "--ulimit", "nofile=77:77", "--memory", "64m", limited)).toMatch(/\n77\n/);
});

test("commit -c and import -c change the configuration as a Dockerfile would", async () => {
  const container = await engine.expectDocker("create", "busybox", "true");
  await engine.expectDocker(
    "commit",
    "-c",
    'CMD ["echo", "changed"]',
    "-c",
    "ENV A=b C=$A",
    "-c",
    "EXPOSE 80",
    container,
    "changed",
  );
  expect(await engine.expectDocker("run", "--rm", "changed")).toBe("changed");
  expect(await engine.expectDocker("inspect", "-f", "{{json .Config.ExposedPorts}}", "changed")).toBe('{"80/tcp":{}}');
  const refused = await engine.docker("commit", "-c", "RUN x", container, "refused");
  expect(refused.stderr).toContain("run is not a valid change command");
});

test("the demo's example builds by both clients and greets", async () => {
  const example = resolve(import.meta.dir, "../../examples/hello");
  await engine.expectDocker("build", "-t", "hello", example);
  expect(await engine.expectDocker("run", "--rm", "hello")).toStartWith("Hello from ");
  const again = await engine.lighter("build", "--tag", "hello-again", example);
  expect(again.stderr).toContain("CACHED");
  expect(await engine.expectLighter("run", "--rm", "hello-again")).toStartWith("Hello from ");
});

test("the client's end ends the build and its step", async () => {
  const context = contextOf({ Dockerfile: "FROM busybox\nRUN echo started; sleep 1000" });
  const client = Bun.spawn(["docker", "build", context], { env: engine.env, stdout: "pipe", stderr: "ignore" });
  let text = "";
  for await (const bytes of client.stdout) {
    text += Buffer.from(bytes).toString();
    if (text.includes("\nstarted\n")) break;
  }
  client.kill("SIGINT");
  await client.exited;
  // That nothing of the step runs on is what the end of the engine checks.
  rmSync(context, { recursive: true });
  expect(await engine.expectDocker("images", "-q")).not.toBe("");
});
