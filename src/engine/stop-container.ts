import { fail } from "../base/errors.ts";
import { freeze, thaw } from "../runtime/cgroup-freezer.ts";
import { parseSignal } from "../runtime/signals.ts";
import { emitContainerEvent } from "./container-events.ts";
import { type ContainerRecord, isRestarting } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";
import { requireRunning } from "./require-running.ts";
import { NEVER, SIGKILL, sendSignal } from "./signal-container.ts";
import { watchHealth } from "./watch-health.ts";

export interface StopOptions {
  readonly signal?: string;
  /** From the signal to SIGKILL; negative waits for ever. */
  readonly timeoutSeconds?: number;
}

const DEFAULT_TIMEOUT_SECONDS = 10;

/** Asks the container to end, and ends it when it does not in time. @throws not-modified where it does not run. */
export async function stopContainer(parts: EngineParts, reference: string, options: StopOptions): Promise<void> {
  const record = parts.containers.resolve(reference);
  const wasWaiting = isRestarting(record.state);
  stopRestarting(parts, record);
  const marked = parts.containers.update(record.id, { stoppedByUser: true });
  if (record.state.status !== "running") {
    if (wasWaiting) return emitContainerEvent(parts, marked, "stop");
    fail("not-modified", "CONTAINER_NOT_RUNNING", `Container ${record.id} is already stopped`);
  }
  await endProcess(parts, marked, options);
  if (parts.containers.has(record.id)) emitContainerEvent(parts, parts.containers.get(record.id), "stop");
}

/** What its policy was about to start stays ended. */
export function stopRestarting(parts: EngineParts, { id, state }: ContainerRecord): void {
  parts.restarts.cancel(id);
  if (state.status === "exited" && state.restarting) {
    parts.containers.update(id, { state: { ...state, restarting: false } });
  }
}

/** Sends the stop signal, then SIGKILL when the time is over, and waits for the end. */
export async function endProcess(parts: EngineParts, record: ContainerRecord, options: StopOptions): Promise<void> {
  const signal = parseSignal(options.signal || record.config.StopSignal || "SIGTERM");
  const seconds = options.timeoutSeconds ?? record.config.StopTimeout ?? DEFAULT_TIMEOUT_SECONDS;
  const exited = parts.waiters.wait(record.id, "not-running", NEVER);
  await sendSignal(parts, record, signal);
  if (seconds >= 0 && !(await within(exited, seconds * 1000))) {
    if (parts.live.has(record.id)) await sendSignal(parts, record, SIGKILL);
  }
  await exited;
}

async function within(promise: Promise<unknown>, milliseconds: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), milliseconds);
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Sends a signal by name or number. SIGKILL waits for the end, as in Docker: scripts remove or start it in the next line.
 * @throws conflict `CONTAINER_NOT_RUNNING`; invalid for an unknown signal.
 */
export async function killContainer(parts: EngineParts, reference: string, signal: string): Promise<void> {
  const number = parseSignal(signal || "SIGKILL");
  const record = parts.containers.resolve(reference);
  const attempt = `cannot kill container: ${reference}`;
  if (isRestarting(record.state)) {
    // Nothing runs that could get the signal: as with Docker, it only does not come back.
    stopRestarting(parts, record);
    parts.containers.update(record.id, { stoppedByUser: true });
    return;
  }
  requireRunning(record, attempt);
  const exited = number === SIGKILL ? parts.waiters.wait(record.id, "not-running", NEVER) : undefined;
  const stopsForGood = number === SIGKILL || number === parseSignal(record.config.StopSignal || "SIGTERM");
  if (stopsForGood) parts.containers.update(record.id, { stoppedByUser: true });
  if (!(await sendSignal(parts, record, number))) {
    fail("conflict", "CONTAINER_NOT_RUNNING", `${attempt}: container ${record.id} is not running`);
  }
  await exited;
}

/** @throws conflict in Docker's words where the container is not running or is paused already. */
export async function pauseContainer(parts: EngineParts, reference: string): Promise<void> {
  const { id } = parts.containers.resolve(reference);
  await parts.locks.run(id, async () => {
    const record = parts.containers.get(id);
    const state = requireRunning(record);
    if (state.paused) fail("conflict", "CONTAINER_PAUSED", `Container ${id} is already paused`);
    // A probe that is frozen would only run out of its time.
    parts.health.end(id);
    await freeze(parts.cgroups, state.cgroupPath);
    emitContainerEvent(parts, parts.containers.update(id, { state: { ...state, paused: true } }), "pause");
  });
}

/** @throws conflict in Docker's words where the container is not paused. */
export async function unpauseContainer(parts: EngineParts, reference: string): Promise<void> {
  const { id } = parts.containers.resolve(reference);
  await parts.locks.run(id, async () => {
    const { state } = parts.containers.get(id);
    if (state.status !== "running" || !state.paused) {
      fail("conflict", "CONTAINER_NOT_PAUSED", `Container ${id} is not paused`);
    }
    await thaw(parts.cgroups, state.cgroupPath);
    emitContainerEvent(parts, parts.containers.update(id, { state: { ...state, paused: false } }), "unpause");
    watchHealth(parts, id);
  });
}
