import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Refusal, run } from "./command.mjs";
import { EXECUTABLE, testEnvironment } from "./paths.mjs";

/**
 * An engine for clients that are told where it is by DOCKER_HOST. `stop` removes its containers and ends it.
 * @param {string} directory for its root and its socket
 * @returns {Promise<{ env: NodeJS.ProcessEnv, stop: () => Promise<void> }>}
 */
export async function startClientEngine(directory) {
  const socket = join(directory, "docker.sock");
  const host = `unix://${socket}`;
  const config = join(directory, "docker-config"); // The user's own may name another engine, or helpers that are not here.
  mkdirSync(config);
  const env = { ...testEnvironment(), DOCKER_HOST: host, LIGHTER_HOST: host, DOCKER_CONFIG: config };
  const before = runDirectories();
  const daemon = spawn(EXECUTABLE, ["daemon", "--root", join(directory, "root"), "--socket", socket], {
    // Its readiness is one line on the descriptor that the variable names.
    env: { ...env, LIGHTER_READY_FD: "3" },
    stdio: ["ignore", "ignore", "inherit", "pipe"],
  });
  const exited = once(daemon, "exit");
  const ready = /** @type {import("node:stream").Readable} */ (daemon.stdio[3]);
  const [word] = await Promise.race([once(ready, "data"), exited]);
  if (String(word).trim() !== "ready") throw new Refusal(`the engine did not start: ${word}`);
  const ours = runDirectories().filter((path) => !before.includes(path));
  return {
    env,
    async stop() {
      await run("sh", ["-c", "docker ps -aq | xargs -r docker rm -fv >/dev/null"], { env });
      daemon.kill("SIGTERM");
      await exited;
      // An engine keeps its run directory for the next one of its root, and there will be none.
      for (const path of ours) rmSync(path, { recursive: true, force: true });
    },
  };
}

function runDirectories() {
  return readdirSync("/run")
    .filter((name) => name.startsWith("lighter-"))
    .map((name) => join("/run", name));
}
