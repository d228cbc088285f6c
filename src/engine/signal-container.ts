import { LighterError } from "../base/errors.ts";
import { thaw } from "../runtime/cgroup-freezer.ts";
import { emitContainerEvent } from "./container-events.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";
import { requireShim } from "./require-running.ts";

export const SIGKILL = 9;
/** For waits that end with the container alone. */
export const NEVER = new AbortController().signal;

/** A frozen process gets the signal when it is thawed, which a signal that is meant to end it has to see to. */
export async function sendSignal(parts: EngineParts, record: ContainerRecord, signal: number): Promise<void> {
  await requireShim(parts, record.id).kill(signal);
  emitContainerEvent(parts, record, "kill", { signal: String(signal) });
  if (record.state.status === "running" && record.state.paused) {
    await thaw(parts.cgroups, record.state.cgroupPath);
    const { state } = parts.containers.get(record.id);
    if (state.status === "running") parts.containers.update(record.id, { state: { ...state, paused: false } });
  }
}

/** Ends a container at once and waits until it is noted. */
export async function killAndWait(parts: EngineParts, id: string): Promise<void> {
  const exited = parts.waiters.wait(id, "not-running", NEVER);
  try {
    await sendSignal(parts, parts.containers.get(id), SIGKILL);
  } catch (error) {
    // It is ending by itself at this moment: its exit is on the way.
    if (!(error instanceof LighterError) || error.kind !== "conflict") throw error;
  }
  await exited;
}
