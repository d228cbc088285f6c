import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../test/harness/deadline.ts";
import { runProgram } from "../test/harness/program.ts";
import type { TestEngine } from "../test/harness/test-engine.ts";
import type { Contender } from "./contender.ts";
import { classicBuilder } from "./lighter-engine.ts";
import { familyOf, processesOf, runs } from "./memory.ts";

const BRIDGE = "bench0";
const BRIDGE_ADDRESS = "172.31.255.1/24";
const MONITOR = "containerd-shim";
const START_DEADLINE_MS = 30_000;

/** A Docker engine on directories, a socket and a bridge of its own, removed again by disposing. */
export interface DockerEngine extends AsyncDisposable {
  readonly contender: Contender;
}

/**
 * Starts dockerd beside whatever else runs. It sets no rules of the host's (`--iptables=false`), which spares Docker
 * work when it starts, and none per container without published ports.
 */
export async function startDocker(): Promise<DockerEngine> {
  const directory = mkdtempSync(join(tmpdir(), "bench-docker-"));
  const socket = join(directory, "docker.sock");
  await host("ip", "link", "add", BRIDGE, "type", "bridge");
  await host("ip", "address", "add", BRIDGE_ADDRESS, "dev", BRIDGE);
  await host("ip", "link", "set", BRIDGE, "up");
  const log = openSync(join(directory, "dockerd.log"), "w");
  const options = [
    ...["--data-root", join(directory, "data"), "--exec-root", join(directory, "exec")],
    ...["--host", `unix://${socket}`, "--pidfile", join(directory, "pid")],
    ...["--bridge", BRIDGE, "--iptables=false", "--ip-forward=false", "--storage-driver", "overlay2"],
  ];
  const daemon = spawn("dockerd", options, { stdio: ["ignore", log, log] });
  const env = classicBuilder({ ...process.env, DOCKER_HOST: `unix://${socket}` });
  const contender: Contender = {
    name: "docker",
    client: ["docker"],
    env,
    engineProcesses: () => familyOf(daemon.pid ?? 0).filter((pid) => !runs(pid, MONITOR)),
    monitors: () => processesOf(MONITOR, directory),
  };
  const engine: DockerEngine = {
    contender,
    async [Symbol.asyncDispose]() {
      const ended = once(daemon, "exit");
      daemon.kill("SIGTERM");
      await ended;
      await host("ip", "link", "delete", BRIDGE);
      rmSync(directory, { recursive: true, force: true });
    },
  };
  try {
    // dockerd tells readiness to systemd alone.
    await eventually(`dockerd answers (see ${directory}/dockerd.log)`, () => answers(socket, env), START_DEADLINE_MS);
    return engine;
  } catch (error) {
    await engine[Symbol.asyncDispose]();
    throw error;
  }
}

/** Gives Docker the very image that our engine has. */
export async function copyImage(name: string, from: TestEngine, to: DockerEngine): Promise<void> {
  const archive = join(mkdtempSync(join(tmpdir(), "bench-image-")), "image.tar");
  await from.expectDocker("save", "-o", archive, name);
  const { exitCode, stderr } = await runProgram(["docker", "load", "-i", archive], { env: to.contender.env });
  rmSync(join(archive, ".."), { recursive: true });
  if (exitCode !== 0) throw new Error(`docker load: ${stderr}`);
}

async function answers(socket: string, env: Record<string, string | undefined>): Promise<true | undefined> {
  if (!existsSync(socket)) return undefined;
  const { exitCode } = await runProgram(["docker", "version"], { env });
  return exitCode === 0 ? true : undefined;
}

async function host(...command: string[]): Promise<void> {
  const { exitCode, stderr } = await runProgram(command, { env: process.env });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr}`);
}
