import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../harness/deadline.ts";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";
import { writePasswords } from "./served-registry.ts";

let engine: TestEngine;
let home: string;

/** The image is made of the compiled program. */
const isFromSource = Boolean(process.env.LIGHTER_TEST_SOURCE);

beforeAll(async () => {
  if (isFromSource) return;
  home = mkdtempSync(join(tmpdir(), "registry-container-"));
  engine = await startEngine({ env: { DOCKER_CONFIG: join(home, "docker") } });
  await engine.expectLighter("template", "build", "registry");
}, 60_000);
afterAll(async () => {
  if (isFromSource) return;
  await engine[Symbol.asyncDispose]();
  rmSync(home, { recursive: true, force: true });
}, 60_000);

/** Where a registry that was just started as a container can be reached, once it answers. */
async function hostOf(container: string): Promise<string> {
  const port = (await engine.expectDocker("port", container, "5000/tcp")).split("\n")[0]?.split(":").at(-1);
  const host = `127.0.0.1:${port}`;
  await eventually("the registry in the container answers", () =>
    fetch(`http://${host}/v2/`).then(
      ({ status }) => (status === 200 || status === 401 ? true : undefined),
      () => undefined,
    ),
  );
  return host;
}

test.skipIf(isFromSource)(
  "the registry runs as a container, and keeps what it has in its volume",
  async () => {
    await engine.expectDocker("run", "-d", "--name", "registry", "-p", "127.0.0.1::5000", "lighter-registry");
    const name = `${await hostOf("registry")}/in/container:1`;
    await engine.expectDocker("tag", "busybox", name);
    const digest = /digest: (sha256:\w+)/.exec(await engine.expectDocker("push", name))?.[1];
    await engine.expectDocker("rmi", name);

    await engine.expectDocker("restart", "-t", "10", "registry");
    const again = `${await hostOf("registry")}/in/container:1`;
    expect(await engine.expectDocker("pull", again)).toContain(`Digest: ${digest}`);
    expect(await engine.expectDocker("run", "--rm", again, "echo", "from a container")).toBe("from a container");
    await engine.expectDocker("rm", "-f", "-v", "registry");
  },
  60_000,
);

test.skipIf(isFromSource)(
  "flags go behind the image's name: with a password file, and read only",
  async () => {
    const users = await writePasswords(home);
    const options = ["-d", "--name", "guarded", "-p", "127.0.0.1::5000", "-v", `${users}:/users:ro`];
    await engine.expectDocker("run", ...options, "lighter-registry", "--htpasswd", "/users", "--read-only");
    const host = await hostOf("guarded");
    expect((await fetch(`http://${host}/v2/`)).status).toBe(401);
    const login = await engine.dockerInput("secret", "login", "-u", "bob", "--password-stdin", host);
    expect(login.stdout).toContain("Login Succeeded");
    await engine.expectDocker("tag", "busybox", `${host}/not:1`);
    const push = await engine.docker("push", `${host}/not:1`);
    expect([push.exitCode, push.stderr]).toEqual([1, expect.stringMatching(/read.only|unsupported|denied/i)]);
    await engine.expectDocker("stop", "-t", "10", "guarded");
    expect(await engine.expectDocker("inspect", "--format", "{{.State.ExitCode}}", "guarded")).toBe("0");
  },
  60_000,
);
