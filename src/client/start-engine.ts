import { spawn } from "node:child_process";
import { closeSync, type FSWatcher, mkdirSync, openSync, watch } from "node:fs";
import { join } from "node:path";
import { fail, LighterError } from "../base/errors.ts";
import type { Paths } from "../base/paths.ts";
import { SMALL_HEAP } from "../base/small-heap.ts";

/**
 * The descriptor on which a daemon that was started on demand says, in one line, how it went: `ready` once its socket
 * listens, `running` when another daemon holds the root. Its number is in this environment variable.
 */
export const READY_FD_VARIABLE = "LIGHTER_READY_FD";
const READY_FD = 3;
const START_DEADLINE_MS = 30_000;

/**
 * Starts the engine of a root in the background and returns when its socket accepts connections. Many may call this at
 * once: one daemon wins the root's lock, the others' callers wait for the winner's socket.
 * @param command the executable and what must precede `daemon`
 * @param accepts whether a connection to the socket succeeds right now
 * @throws forbidden `NOT_ROOT`; unavailable `ENGINE_DID_NOT_START`, naming the log
 */
export async function startEngine(
  command: readonly string[],
  paths: Paths,
  accepts: () => Promise<boolean>,
): Promise<void> {
  if (process.getuid?.() !== 0) {
    fail("forbidden", "NOT_ROOT", `no engine listens at ${paths.socket}, and starting one needs root; use sudo`);
  }
  const log = join(paths.root, "engine.log");
  mkdirSync(paths.root, { recursive: true, mode: 0o711 });
  mkdirSync(paths.run, { recursive: true, mode: 0o711 });
  const watcher = watch(paths.run);
  try {
    const outcome = await spawnDaemon(command, paths, log);
    if (outcome === "running") await untilAccepted(watcher, accepts, paths);
    else if (outcome !== "ready") {
      fail("unavailable", "ENGINE_DID_NOT_START", `the engine did not start${outcome}; its log is ${log}`);
    }
  } finally {
    watcher.close();
  }
}

/** The daemon's line, or how it ended without one. */
async function spawnDaemon(command: readonly string[], paths: Paths, log: string): Promise<string> {
  const [executable = process.execPath, ...leading] = command;
  const logFd = openSync(log, "a", 0o640);
  const daemon = spawn(executable, [...leading, "daemon", "--root", paths.root, "--socket", paths.socket], {
    detached: true,
    cwd: "/",
    stdio: ["ignore", logFd, logFd, "pipe"],
    env: { ...process.env, ...SMALL_HEAP, [READY_FD_VARIABLE]: String(READY_FD) },
  });
  closeSync(logFd);
  const ready = daemon.stdio[READY_FD];
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve) => {
      timer = setTimeout(() => resolve(` within ${START_DEADLINE_MS / 1000} s`), START_DEADLINE_MS);
      ready?.once("data", (line: Buffer) => resolve(line.toString().trim()));
      daemon.once("error", (error) => resolve(` (${error.message})`));
      // Its end may be told before its last word was read, and well it only ends where another has the root.
      daemon.once("exit", (code, signal) =>
        resolve(code === 0 ? "running" : ` (it ended with ${signal ?? `exit code ${code}`})`),
      );
    });
  } finally {
    clearTimeout(timer);
    ready?.destroy();
    daemon.unref();
  }
}

/**
 * Waits for the socket of the daemon that won. It binds under another name and renames once it listens, so each change
 * in the directory is worth one attempt, and no attempt can fall between bind and listen.
 */
function untilAccepted(watcher: FSWatcher, accepts: () => Promise<boolean>, paths: Paths): Promise<void> {
  return new Promise((resolve, reject) => {
    const attempt = () =>
      accepts().then((accepted) => {
        if (!accepted) return;
        clearTimeout(timer);
        resolve();
      }, reject);
    const timer = setTimeout(() => {
      const text = `another engine holds ${paths.root} but does not accept connections at ${paths.socket}`;
      reject(new LighterError("unavailable", "ENGINE_DID_NOT_START", text));
    }, START_DEADLINE_MS);
    watcher.on("change", attempt);
    attempt();
  });
}
