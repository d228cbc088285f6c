import { LighterError } from "../base/errors.ts";
import { thaw } from "../runtime/cgroup-freezer.ts";
import { emitContainerEvent } from "./container-events.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";
import { requireShim } from "./require-running.ts";

export const SIGKILL = 9;
/** For waits that end with the container alone. */
export const NEVER = new AbortController().signal;

/**
 * A frozen process gets the signal when it is thawed, which a signal that is meant to end it has to see to.
 * @returns false where the container is ending by itself at this moment: its exit is on the way.
 */
export async function sendSignal(parts: EngineParts, record: ContainerRecord, signal: number): Promise<boolean> {
  try {
    await requireShim(parts, record.id).kill(signal);
  } catch (error) {
    if (error instanceof LighterError && error.kind === "conflict") return false;
    throw error;
  }
  emitContainerEvent(parts, record, "kill", { signal: String(signal) });
  if (record.state.status === "running" && record.state.paused) {
    await thaw(parts.cgroups, record.state.cgroupPath);
    const { state } = parts.containers.get(record.id);
    if (state.status === "running") parts.containers.update(record.id, { state: { ...state, paused: false } });
  }
  return true;
}

/** Ends a container at once and waits until it is noted. */
export async function killAndWait(parts: EngineParts, id: string): Promise<void> {
  const exited = parts.waiters.wait(id, "not-running", NEVER);
  await sendSignal(parts, parts.containers.get(id), SIGKILL);
  await exited;
}
