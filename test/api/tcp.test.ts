import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, mkdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { Engine } from "../../src/client/client.ts";
import { readTlsCredentials } from "../../src/client/tls-credentials.ts";
import { LIGHTER, runProgram } from "../harness/program.ts";
import { startEngine, TestEngine, temporaryRoot } from "../harness/test-engine.ts";
import { type Certificates, makeCertificates } from "./certificates.ts";
import { freePort } from "./free-port.ts";

describe("with client certificates", () => {
  let engine: TestEngine;
  let files: Certificates;
  let host: string;
  let flags: string[];

  beforeAll(async () => {
    engine = await startEngine();
    await engine.stop();
    const directory = join(engine.root, "certificates");
    mkdirSync(directory);
    files = makeCertificates(directory);
    host = `tcp://127.0.0.1:${await freePort()}`;
    const { cert, key } = files.server;
    await engine.start("--host", host, "--tlsverify", "--tlscacert", files.ca, "--tlscert", cert, "--tlskey", key);
    flags = ["--host", host, "--tlsverify", "--tlscacert", files.ca, "--tlscert", files.client.cert];
    flags.push("--tlskey", files.client.key);
  }, 60_000);
  afterAll(() => engine[Symbol.asyncDispose]());

  test.each(["docker", "lighter"] as const)("%s runs, attaches and is attached to, by flags", async (cli) => {
    const { stdout, stderr, exitCode } = await engine[cli](
      ...flags,
      "run",
      "--rm",
      "busybox",
      "sh",
      "-c",
      "echo said; exit 7",
    );
    expect([stdout, exitCode, stderr]).toEqual(["said\n", 7, ""]);
    const input = cli === "docker" ? engine.dockerInput.bind(engine) : engine.lighterInput.bind(engine);
    expect((await input("in and out", ...flags, "run", "--rm", "-i", "busybox", "cat")).stdout).toBe("in and out");
  });

  test.each(["docker", "lighter"] as const)("%s finds its certificates by DOCKER_CERT_PATH", async (cli) => {
    const home = join(engine.root, `home-${cli}`);
    mkdirSync(home);
    cpSync(files.ca, join(home, "ca.pem"));
    cpSync(files.client.cert, join(home, "cert.pem"));
    cpSync(files.client.key, join(home, "key.pem"));
    const env = {
      ...engine.env,
      DOCKER_HOST: host,
      LIGHTER_HOST: host,
      DOCKER_TLS_VERIFY: "1",
      DOCKER_CERT_PATH: home,
    };
    const command = cli === "docker" ? ["docker"] : LIGHTER;
    const { stdout, stderr } = await runProgram([...command, "ps", "-q"], { env });
    expect([stdout, stderr]).toEqual(["", ""]);
  });

  test("the library joins", async () => {
    const { ca, client } = files;
    const tls = readTlsCredentials({ tlsverify: true, tlscacert: ca, tlscert: client.cert, tlskey: client.key }, {});
    await using joined = await Engine.connect(host, tls);
    expect((await joined.run("busybox", ["echo", "hello"])).stdout).toBe("hello\n");
  });

  test.each([
    ["Node", ["node", "--input-type=module", "--eval"]],
    ["Bun", [process.execPath, "--eval"]],
  ])("the library on %s joins by Docker's variables", async (_name, runtime) => {
    const home = join(engine.root, `library-${runtime.length}`);
    mkdirSync(home);
    cpSync(files.ca, join(home, "ca.pem"));
    cpSync(files.client.cert, join(home, "cert.pem"));
    cpSync(files.client.key, join(home, "key.pem"));
    const script = `
      import { Engine } from ${JSON.stringify(resolve(import.meta.dir, "../../dist/client.js"))};
      const engine = await Engine.connect(${JSON.stringify(host)});
      console.log((await engine.run("busybox", ["echo", "hello"])).stdout);
    `;
    const env = { ...engine.env, DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: home };
    expect(await runProgram([...runtime, script], { env })).toEqual({ stdout: "hello\n\n", stderr: "", exitCode: 0 });
  });

  test("a client without a certificate gets nothing", async () => {
    for (const cli of ["docker", "lighter"] as const) {
      const { stdout, exitCode } = await engine[cli]("--host", host, "--tlsverify", "--tlscacert", files.ca, "ps");
      expect(stdout).toBe("");
      expect(exitCode).not.toBe(0);
    }
  });

  test("an engine that another authority vouches for is not believed", async () => {
    const directory = join(engine.root, "others");
    mkdirSync(directory);
    const others = makeCertificates(directory);
    const foreign = flags.map((word) => (word === files.ca ? others.ca : word));
    const { stderr, exitCode } = await engine.lighter(...foreign, "ps");
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain(`cannot connect to the engine at ${host}`);
  });

  test("a client without TLS is not answered as one with", async () => {
    const { exitCode } = await engine.lighter("--host", host, "ps");
    expect(exitCode).not.toBe(0);
    expect(await engine.expectLighter(...flags, "ps", "-q")).toBe("");
  });
});

test.each([[[]], [["--tls"]]])("TCP with %j is refused, and nothing is made", async (options) => {
  const root = join(temporaryRoot(), "root");
  const { stderr, exitCode } = await runProgram(
    [...LIGHTER, "daemon", "--root", root, "--host", "tcp://127.0.0.1:1", ...options],
    { env: process.env },
  );
  expect(exitCode).toBe(1);
  expect(stderr).toContain("without client certificates would make everyone who reaches it root");
  expect(() => statSync(join(root, "lighter.db"))).toThrow();
});

test("--insecure listens, and says what that means", async () => {
  await using engine = new TestEngine(temporaryRoot());
  const port = await freePort();
  await engine.start("--host", `tcp://127.0.0.1:${port}`, "--insecure");
  expect(await (await fetch(`http://127.0.0.1:${port}/_ping`)).text()).toBe("OK");
  expect((await engine.api("/_ping")).status).toBe(200);
  expect(engine.log).toContain("everyone who reaches this address is root on this machine");
});

test("the socket is a group's by name or number, and refused to one that is not there", async () => {
  await using engine = new TestEngine(temporaryRoot());
  for (const [group, gid] of [
    ["daemon", 1],
    ["54321", 54321],
  ] as const) {
    await engine.start("--group", group);
    expect(statSync(engine.socket)).toMatchObject({ gid, mode: 0o140660 });
    await engine.stop();
  }
  const { stderr, exitCode } = await runProgram([...LIGHTER, "daemon", "--group", "no-such-group"], {
    env: engine.env,
  });
  expect(exitCode).toBe(1);
  expect(stderr).toContain("there is no group no-such-group");
});
