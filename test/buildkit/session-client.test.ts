import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CLIENT_DIRECTORY } from "../../scripts/paths.mjs";
import { eventually, within } from "../harness/deadline.ts";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";

/**
 * Docker's clients of 18.09 to 22 have BuildKit's client built in: sessions, file sync, secrets and progress as buildx has
 * them, the build asked for by `POST /build?version=2`. Later ones leave all of it to buildx.
 */
const CLIENT = ["/usr/bin/docker", join(CLIENT_DIRECTORY, "docker")].find((path) =>
  /version (18\.09|19|2[0-2])\./.test(spawnSync(path, ["--version"], { encoding: "utf8" }).stdout ?? ""),
);

describe.skipIf(CLIENT === undefined)("Docker's client with BuildKit built in", () => {
  let engine: TestEngine;
  let directory: string;
  let context: string;

  beforeAll(async () => {
    engine = await startEngine();
    directory = mkdtempSync(join(tmpdir(), "lighter-session-client-"));
    context = join(directory, "context");
    mkdirSync(join(context, "sub"), { recursive: true });
    writeFileSync(join(context, "sub/file.txt"), "content\n");
    writeFileSync(
      join(context, "Dockerfile"),
      `# syntax=docker/dockerfile:1
FROM busybox AS base
COPY sub /sub
RUN cat /sub/file.txt
FROM scratch
COPY --from=base /sub /out
`,
    );
  });
  afterAll(async () => {
    rmSync(directory, { recursive: true, force: true });
    await engine[Symbol.asyncDispose]();
  });

  function docker(args: readonly string[], { input, env = {} }: { input?: string | Buffer; env?: object } = {}) {
    const run = spawnSync(CLIENT ?? "", args, { env: { ...engine.env, ...env }, input, encoding: "utf8" });
    return { exitCode: run.status, stdout: run.stdout, stderr: run.stderr };
  }

  test("builds by BuildKit unasked, and says so step by step", () => {
    const first = docker(["build", "--progress=plain", "-t", "by-session", context]);
    expect(first).toMatchObject({ exitCode: 0 });
    for (const line of [
      /#\d+ \[internal\] load build definition from Dockerfile/,
      /#\d+ transferring context: .*done/,
      /#\d+ \[base 2\/3\] COPY sub \/sub/,
      /#\d+ [\d.]+ content/,
      /#\d+ writing image sha256:[0-9a-f]{64} ([\d.]+s )?done/,
      /#\d+ naming to docker.io\/library\/by-session:latest ([\d.]+s )?done/,
    ]) {
      expect(first.stderr).toMatch(line);
    }
    const second = docker(["build", "--progress=plain", "-t", "by-session", context]);
    expect(second.stderr).toMatch(/#\d+ \[base 3\/3\] RUN cat \/sub\/file.txt\n#\d+ sha256:.*\n#\d+ CACHED/);
    expect(docker(["build", "-q", context]).stdout).toMatch(/^sha256:[0-9a-f]{64}\n$/);
  });

  test("writes results to directories and archives", () => {
    const out = join(directory, "out");
    expect(docker(["build", "-o", out, context])).toMatchObject({ exitCode: 0 });
    expect(readdirSync(out, { recursive: true }).sort()).toEqual(["out", "out/file.txt"]);
    expect(readFileSync(join(out, "out/file.txt"), "utf8")).toBe("content\n");
    const tar = join(directory, "out.tar");
    expect(docker(["build", "-o", `type=tar,dest=${tar}`, context])).toMatchObject({ exitCode: 0 });
    expect(spawnSync("tar", ["tf", tar], { encoding: "utf8" }).stdout).toContain("out/file.txt");
  });

  test("takes the context, or a Dockerfile alone, from standard input", () => {
    const archive = spawnSync("tar", ["c", "-C", context, "."]).stdout;
    expect(docker(["build", "-t", "by-archive", "-"], { input: archive })).toMatchObject({ exitCode: 0 });
    const alone = docker(["build", "--progress=plain", "-"], { input: "FROM busybox\nRUN echo alone\n" });
    expect(alone.stderr).toMatch(/#\d+ [\d.]+ alone/);
  });

  test("gives secrets to steps, and tells which step failed and how", () => {
    const secret = join(directory, "secret");
    writeFileSync(secret, "the word\n");
    const told = docker(["build", "--progress=plain", "--secret", `id=word,src=${secret}`, "-"], {
      input: "FROM busybox\nRUN --mount=type=secret,id=word cat /run/secrets/word\n",
    });
    expect(told.stderr).toMatch(/#\d+ [\d.]+ the word/);
    const failed = docker(["build", "--progress=plain", "-"], { input: "FROM busybox\nRUN echo so; exit 3\n" });
    expect(failed.exitCode).toBe(1);
    expect(failed.stderr).toContain('process "/bin/sh -c echo so; exit 3" did not complete successfully: exit code: 3');
    expect(failed.stderr).toMatch(
      /#\d+ \[2\/2\] RUN echo so; exit 3\n#\d+ sha256:.*\n#\d+ [\d.]+ so\n#\d+ ERROR: process/,
    );
  });

  test("stops its build with Ctrl-C, every step at once", async () => {
    const build = spawn(CLIENT ?? "", ["build", "--progress=plain", "--no-cache", "-"], { env: engine.env });
    build.stdin.end("FROM busybox\nRUN echo running as $$; exec sleep 91823\n");
    let said = "";
    const running = (async () => {
      for await (const chunk of build.stderr) {
        said += chunk;
        if (said.includes("running as")) return;
      }
    })();
    await within("the step runs", running);
    const sleeping = () => spawnSync("pgrep", ["-f", "^sleep 91823$"], { encoding: "utf8" }).stdout;
    await eventually("the step's process", () => sleeping() || undefined);
    build.kill("SIGINT");
    await within("the client ends", once(build, "exit"));
    await eventually("the end of the step's process", () => sleeping() === "" || undefined);
    expect(docker(["build", "-q", "-"], { input: "FROM busybox\nRUN true\n" })).toMatchObject({ exitCode: 0 });
  });

  test("still builds by the classic builder where it is told to, with the same layers", () => {
    expect(docker(["build", "-t", "new-way", context], { env: { DOCKER_BUILDKIT: "1" } })).toMatchObject({
      exitCode: 0,
    });
    expect(docker(["build", "-t", "old-way", context], { env: { DOCKER_BUILDKIT: "0" } })).toMatchObject({
      exitCode: 0,
    });
    const layers = (name: string) => docker(["image", "inspect", "-f", "{{json .RootFS.Layers}}", name]).stdout;
    expect(layers("old-way")).toBe(layers("new-way"));
  });
});
