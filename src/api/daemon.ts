import { once } from "node:events";
import { closeSync, writeSync } from "node:fs";
import { type Address, formatAddress } from "../base/engine-address.ts";
import { fail } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { type Paths, resolvePaths } from "../base/paths.ts";
import { VERSION } from "../base/version.ts";
import { Engine } from "../engine/engine.ts";
import { lockRoot } from "../store/engine-lock.ts";
import { type ListenOptions, listenEverywhere, type MakeServer, planListeners } from "./listeners.ts";
import { Metrics } from "./metrics.ts";
import { parseMetricsAddress, serveMetrics } from "./metrics-server.ts";
import { ROUTES } from "./routes.ts";
import { createApiServer } from "./server.ts";

/** The `Server` header, in the shape of Docker's. */
const PRODUCT = `Lighter/${VERSION} (linux)`;

export interface DaemonOptions {
  /** Of the state; the default is {@link resolvePaths}'. */
  readonly root?: string;
  /** How to be reached. The first unix socket is the engine's own; where none is named, it is the root's, beside the others. */
  readonly listen: ListenOptions;
  /** Where Prometheus finds metrics, as `host:port`; undefined: nowhere but at the API. */
  readonly metricsAddress?: string;
  readonly log: Log;
  /** Gets one line, `ready` or `running`, and is closed: for whoever started this process. */
  readonly readyFd?: number;
}

/**
 * Runs the engine of a root until SIGTERM or SIGINT; containers run on when it ends.
 * @throws conflict `ENGINE_RUNNING` where another process has the root and nobody waits for a word on `readyFd`
 */
export async function runDaemon(options: DaemonOptions): Promise<void> {
  const { log, readyFd, listen } = options;
  const defaults = resolvePaths(options.root);
  const addresses = withOwnSocket(listen.addresses, defaults.socket);
  const plan = planListeners({ ...listen, addresses }, log);
  const metricsAddress = options.metricsAddress === undefined ? null : parseMetricsAddress(options.metricsAddress);
  const own = addresses.find(({ kind }) => kind === "unix");
  const paths: Paths = { ...defaults, socket: own?.kind === "unix" ? own.path : defaults.socket };
  // Asked for before the first await, so that no signal finds the process without a plan.
  const stop = stopSignal();
  using lock = lockRoot(paths.root);
  if (!lock) {
    if (readyFd === undefined)
      fail("conflict", "ENGINE_RUNNING", `another engine runs on ${paths.root}: use it, or another root`);
    return announce(readyFd, "running");
  }
  const engine = await Engine.open(paths, { log });
  const metrics = new Metrics();
  try {
    using _metrics = metricsAddress ? await serveMetrics(metricsAddress, () => metrics.render(engine)) : null;
    const make: MakeServer = (create) =>
      createApiServer({ engine, metrics }, ROUTES, { log, product: PRODUCT }, create);
    using _listening = await listenEverywhere(plan, make);
    log("info", "listening", { addresses: addresses.map(formatAddress), root: paths.root, pid: process.pid });
    if (readyFd !== undefined) announce(readyFd, "ready");
    log("info", "stopping", { signal: await stop });
  } finally {
    metrics.stop();
    await engine.close();
  }
}

function withOwnSocket(addresses: readonly Address[], socket: string): readonly Address[] {
  return addresses.some(({ kind }) => kind === "unix") ? addresses : [{ kind: "unix", path: socket }, ...addresses];
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
