import { once } from "node:events";
import { closeSync, writeSync } from "node:fs";
import type { Server } from "node:http";
import { fail } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { type Paths, resolvePaths } from "../base/paths.ts";
import { VERSION } from "../base/version.ts";
import { Engine } from "../engine/engine.ts";
import { lockRoot } from "../store/engine-lock.ts";
import { ROUTES } from "./routes.ts";
import { createApiServer } from "./server.ts";
import { listenOnUnixSocket } from "./unix-listener.ts";

/** The `Server` header, in the shape of Docker's. */
const PRODUCT = `Lighter/${VERSION} (linux)`;

export interface DaemonOptions {
  /** Of the state; the default is {@link resolvePaths}'. */
  readonly root?: string;
  /** Where to listen; the first is the engine's own, by default the root's. */
  readonly sockets?: readonly string[];
  readonly log: Log;
  /** Gets one line, `ready` or `running`, and is closed: for whoever started this process. */
  readonly readyFd?: number;
}

/**
 * Runs the engine of a root until SIGTERM or SIGINT; containers run on when it ends.
 * @throws conflict `ENGINE_RUNNING` where another process has the root and nobody waits for a word on `readyFd`
 */
export async function runDaemon(options: DaemonOptions): Promise<void> {
  const { log, readyFd } = options;
  const defaults = resolvePaths(options.root);
  const sockets = options.sockets?.length ? options.sockets : [defaults.socket];
  const paths: Paths = { ...defaults, socket: sockets[0] ?? defaults.socket };
  // Asked for before the first await, so that no signal finds the process without a plan.
  const stop = stopSignal();
  using lock = lockRoot(paths.root);
  if (!lock) {
    if (readyFd === undefined)
      fail("conflict", "ENGINE_RUNNING", `another engine runs on ${paths.root}: use it, or another root`);
    return announce(readyFd, "running");
  }
  const engine = await Engine.open(paths, { log });
  const listening: { server: Server; forget: () => void }[] = [];
  try {
    for (const socket of sockets) {
      const server = createApiServer({ engine }, ROUTES, { log, product: PRODUCT });
      listening.push({ server, forget: await listenOnUnixSocket(server, socket) });
    }
    log("info", "listening", { sockets, root: paths.root, pid: process.pid });
    if (readyFd !== undefined) announce(readyFd, "ready");
    log("info", "stopping", { signal: await stop });
  } finally {
    for (const { server, forget } of listening) {
      forget();
      server.close();
      server.closeAllConnections();
    }
    await engine.close();
  }
}

function announce(fd: number, word: "ready" | "running"): void {
  writeSync(fd, `${word}\n`);
  closeSync(fd);
}

async function stopSignal(): Promise<string> {
  return Promise.race(
    ["SIGTERM", "SIGINT"].map(async (signal) => {
      await once(process, signal);
      return signal;
    }),
  );
}
