import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { Engine } from "../../src/client/client.ts";
import { eventually } from "../harness/deadline.ts";
import { LIGHTER, runProgram } from "../harness/program.ts";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";
import { freePort } from "./free-port.ts";

/** An engine behind a real sshd, which finds `docker`, or `lighter` as well, on its own PATH. */
let engine: TestEngine;
let sshd: ChildProcess;
let host: string;
let path: string;

beforeAll(async () => {
  engine = await startEngine();
  const directory = join(engine.root, "ssh");
  const at = (name: string) => join(directory, name);
  mkdirSync(directory, { mode: 0o700 });
  for (const key of ["host", "user"]) execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", at(key)]);
  const port = await freePort();
  host = `ssh://root@127.0.0.1:${port}`;
  writeFileSync(at("authorized"), readFileSync(at("user.pub")), { mode: 0o600 });
  writeFileSync(at("known"), `[127.0.0.1]:${port} ${readFileSync(at("host.pub"), "utf8")}`);
  writeFileSync(at("client"), `IdentityFile ${at("user")}\nIdentitiesOnly yes\nUserKnownHostsFile ${at("known")}\n`);
  // On the other machine Lighter answers to Docker's name; on this one ssh finds the keys of the test.
  writeScript(at("remote"), "docker", `exec ${LIGHTER.join(" ")} "$@"`);
  writeScript(at("local"), "ssh", `exec /usr/bin/ssh -F ${at("client")} "$@"`);
  path = `${at("local")}:${process.env.PATH}`;
  const settings = [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${at("host")}`,
    `AuthorizedKeysFile ${at("authorized")}`,
    "StrictModes no",
    "UsePAM no",
    "PidFile none",
    `SetEnv PATH=${at("remote")}:/usr/bin:/bin LIGHTER_ROOT=${engine.root}`,
  ];
  writeFileSync(at("server"), `${settings.join("\n")}\n`);
  mkdirSync("/run/sshd", { recursive: true }); // Where sshd keeps its unprivileged half; it belongs to the system.
  sshd = spawn("/usr/sbin/sshd", ["-D", "-e", "-f", at("server")], { stdio: "ignore" });
  await eventually("sshd takes connections", () => accepts(port));
}, 60_000);

afterAll(async () => {
  sshd?.kill();
  await engine[Symbol.asyncDispose]();
}, 60_000);

describe.each(["docker", "lighter"] as const)("%s over ssh", (cli) => {
  const run = (input: string, ...args: string[]) =>
    runProgram([...(cli === "docker" ? ["docker"] : LIGHTER), "-H", host, ...args], {
      env: { ...engine.env, PATH: path, DOCKER_HOST: undefined },
      input,
    });

  test("runs, attaches, and gets the exit code", async () => {
    const { stdout, stderr, exitCode } = await run("", "run", "--rm", "busybox", "sh", "-c", "echo said; exit 7");
    expect([stdout, exitCode, stderr]).toEqual(["said\n", 7, ""]);
  });

  test("the end of the input is the end of the process's input", async () => {
    expect((await run("in and out", "run", "--rm", "-i", "busybox", "cat")).stdout).toBe("in and out");
  });

  test("leaves nothing running on either side", async () => {
    await run("", "ps");
    await eventually("no dial-stdio is left", () => (dials().length === 0 ? true : undefined));
  });
});

test("the library joins, and lets go", async () => {
  const before = process.env.PATH;
  process.env.PATH = path;
  try {
    await using joined = await Engine.connect(host);
    expect((await joined.run("busybox", ["echo", "hello"])).stdout).toBe("hello\n");
  } finally {
    process.env.PATH = before;
  }
  await eventually("no dial-stdio is left", () => (dials().length === 0 ? true : undefined));
});

test("an engine that cannot be reached is named, with what ssh says of it", async () => {
  const { stderr, exitCode } = await runProgram([...LIGHTER, "-H", `ssh://127.0.0.1:${await freePort()}`, "ps"], {
    env: { ...engine.env, PATH: path },
  });
  expect(exitCode).toBe(1);
  expect(stderr).toContain("Connection refused");
  expect(stderr).toContain("ssh://127.0.0.1:");
});

/** Command lines of this test's `dial-stdio`, on whichever side. */
function dials(): string[] {
  const lines = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" }).split("\n");
  return lines.filter((line) => line.includes("dial-stdio") && line.includes(engine.root));
}

function writeScript(directory: string, name: string, command: string): void {
  mkdirSync(directory);
  writeFileSync(join(directory, name), `#!/bin/sh\n${command}\n`);
  chmodSync(join(directory, name), 0o755);
}

async function accepts(port: number): Promise<true | undefined> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return undefined;
  } finally {
    socket.destroy();
  }
}
