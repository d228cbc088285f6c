import { rm } from "node:fs/promises";
import { join } from "node:path";
import { fail, messageOf } from "../base/errors.ts";
import { PhaseTrace } from "../base/phase-trace.ts";
import { timestampNow } from "../base/timestamp.ts";
import { removeCgroup } from "../runtime/cgroup.ts";
import type { Shim } from "../runtime/shim.ts";
import { StartFailure } from "../runtime/start-failure.ts";
import { answerNames } from "./answer-names.ts";
import { emitContainerEvent } from "./container-events.ts";
import { containerExited, releaseNetwork } from "./container-exit.ts";
import { type ContainerRecord, isRestarting } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";
import { renewLinks } from "./etc-files.ts";
import { execExited } from "./execs.ts";
import { endedHealth, startingHealth } from "./health.ts";
import { healthCheckOf } from "./health-check.ts";
import { containerDirectory } from "./inspect-container.ts";
import { boundPorts, joinNetworks } from "./join-networks.ts";
import { emitJoined } from "./network-events.ts";
import { startRequest } from "./start-request.ts";
import { watchHealth } from "./watch-health.ts";

/**
 * Starts a container as somebody asks for it: address, shim, namespaces and root, then its process. Whatever fails is undone,
 * noted in the record with Docker's exit code (125, 126, 127), and thrown. Its policy's restarts count from none again.
 * @param trace collects how long each phase took.
 * @throws not-modified where it runs already, or its policy is about to start it; conflict where it is paused.
 */
export async function startContainer(
  parts: EngineParts,
  reference: string,
  trace: PhaseTrace = new PhaseTrace(),
): Promise<void> {
  const { id } = parts.containers.resolve(reference);
  await parts.locks.run(id, async () => {
    const record = parts.containers.get(id);
    assertStartable(record);
    parts.restarts.forget(id);
    await startOrNote(
      parts,
      record.restartCount === 0 ? record : parts.containers.update(id, { restartCount: 0 }),
      trace,
    );
  });
}

/** Starts a container as its policy wants it, unless somebody has stopped, started or removed it meanwhile. */
export async function startByPolicy(parts: EngineParts, id: string): Promise<void> {
  await parts.locks.run(id, async () => {
    if (!parts.containers.has(id) || !isRestarting(parts.containers.get(id).state)) return;
    const { restartCount } = parts.containers.get(id);
    const counted = parts.containers.update(id, { restartCount: restartCount + 1 });
    await startOrNote(parts, counted, new PhaseTrace());
  });
}

async function startOrNote(parts: EngineParts, record: ContainerRecord, trace: PhaseTrace): Promise<void> {
  try {
    await start(parts, record, trace);
  } catch (error) {
    noteFailure(parts, record, error);
    throw error;
  }
}

function assertStartable({ id, state }: ContainerRecord): void {
  if (state.status !== "running" && !isRestarting(state)) return;
  if (state.status === "running" && state.paused) {
    fail("conflict", "CONTAINER_PAUSED", "cannot start a paused container, try unpause instead");
  }
  fail("not-modified", "ALREADY_RUNNING", `Container ${id} is already running`);
}

async function start(parts: EngineParts, record: ContainerRecord, trace: PhaseTrace): Promise<void> {
  const { id } = record;
  const directory = containerDirectory(parts, id);
  const exitFile = join(directory, "exit.json");
  await using undo = new AsyncDisposableStack();
  await parts.leaving.get(id);
  const taking = parts.berths.take();
  undo.defer(async () => (await taking).release());
  if (record.state.status !== "created") await rm(exitFile, { force: true });

  undo.defer(() => releaseNetwork(parts, id));
  const joined = await joinNetworks(parts, record);
  trace.mark("network");
  const request = await startRequest(parts, record, {
    exitFile,
    directory,
    joined,
    lower: await parts.layers.lower(record.chainId),
  });
  trace.mark("prepare");
  const shim = await taking;
  trace.mark("berth");
  const created = await shim.create(request);
  trace.mark("create");
  await parts.networks.publishing.publish(id, boundPorts(joined.claimed, created.ports));
  for (const endpoint of joined.endpoints) parts.networks.linked(endpoint);
  const announced = Promise.withResolvers<void>();
  watchShim(parts, id, shim, announced.promise);
  await parts.pendingAttaches.connectAll(record, shim);
  // Written before the process runs: an engine that is killed here finds the shim, or sees that it went with it.
  const running = parts.containers.update(id, {
    stoppedByUser: false,
    health: healthCheckOf(record.config) && startingHealth(record.health),
    state: {
      status: "running",
      pid: created.pid,
      paused: false,
      startedAt: timestampNow(),
      cgroupPath: created.cgroupPath,
      shim: shim.name,
    },
  });
  trace.mark("record");
  await shim.start();
  trace.mark("start");
  undo.move();
  renewLinks(parts, running);
  emitJoined(parts, "connect", joined.endpoints);
  emitContainerEvent(parts, running, "start");
  watchHealth(parts, id);
  announced.resolve();
}

/**
 * Hears of the process's end, and of the shim's.
 * @param announced when the start was told; an end that is faster is told after it.
 */
export function watchShim(parts: EngineParts, id: string, shim: Shim, announced: Promise<void>): void {
  parts.live.set(id, shim);
  shim.onExit = (exit) => {
    if (exit.process === "init") announced.then(() => containerExited(parts, id, exit));
    else execExited(parts, exit.process, exit.exitCode);
  };
  shim.onQuery = (query) => answerNames(parts, id, shim, query);
  shim.onDisconnect = () => {
    if (parts.live.get(id) !== shim) return;
    parts.log("error", "a container's shim is gone", { container: id });
    const { state } = parts.containers.get(id);
    if (state.status === "running") removeCgroup(parts.cgroups, state.cgroupPath);
    containerExited(parts, id, { exitCode: 137, oomKilled: false, finishedAt: timestampNow() });
  };
}

/** One that has run before stays what it was, as in Docker, but for why it does not run now. */
function noteFailure(parts: EngineParts, { id, state, health }: ContainerRecord, error: unknown): void {
  parts.live.delete(id);
  const failure = { exitCode: error instanceof StartFailure ? error.exitCode : 128, error: messageOf(error) };
  const { exitCode } = failure;
  const record = parts.containers.update(id, {
    state: state.status === "exited" ? { ...state, ...failure, restarting: false } : { status: "created", ...failure },
    health: endedHealth(health),
  });
  emitContainerEvent(parts, record, "die", { exitCode: String(exitCode) });
  parts.pendingAttaches.cancelAll(record.id);
  parts.waiters.exited(record.id, exitCode);
  parts.afterExit(record, 0);
}
