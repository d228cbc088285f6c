import { setImmediate as nextTurn } from "node:timers/promises";
import { messageOf } from "../base/errors.ts";
import type { Shim } from "../runtime/shim.ts";
import { emitContainerEvent } from "./container-events.ts";
import type { EngineParts } from "./engine-parts.ts";
import { endedHealth } from "./health.ts";
import { emitJoined } from "./network-events.ts";
import { shouldRestart } from "./restart-policy.ts";

/** How a container's first process ended, as its shim wrote it down. */
export interface ContainerExit {
  readonly exitCode: number;
  readonly oomKilled: boolean;
  readonly finishedAt: string;
}

/**
 * Takes note of an exit: record, network, events, those who wait; then restarts or removes by policy. It takes no lock,
 * for whoever stops a container may hold it while waiting for this.
 */
export function containerExited(parts: EngineParts, id: string, exit: ContainerExit): void {
  if (!parts.containers.has(id)) return;
  const before = parts.containers.get(id);
  if (before.state.status !== "running") return;
  const { startedAt } = before.state;
  const shim = parts.live.get(id);
  parts.live.delete(id);
  parts.health.end(id);
  const held = parts.restarts.isHeld(id);
  const restarting = !held && shouldRestart(before, exit.exitCode);
  const endpoints = parts.networks.endpointsOf(id);
  const hadPorts = parts.networks.publishing.portsOf(id).length > 0;
  const record = parts.store.transaction(() => {
    releaseNetwork(parts, id);
    return parts.containers.update(id, {
      state: { status: "exited", ...exit, error: "", startedAt, restarting },
      health: endedHealth(before.health),
    });
  });
  const ranForMs = Date.parse(exit.finishedAt) - Date.parse(startedAt);
  if (exit.oomKilled) emitContainerEvent(parts, record, "oom");
  emitContainerEvent(parts, record, "die", {
    execDuration: String(Math.max(0, Math.floor(ranForMs / 1000))),
    exitCode: String(exit.exitCode),
  });
  emitJoined(parts, "disconnect", endpoints);
  const announce = () => {
    parts.waiters.exited(id, exit.exitCode);
    if (!held) parts.afterExit(record, ranForMs);
  };
  // The shim holds host ports until it leaves: whoever starts this container again must find them free.
  if (shim && hadPorts) {
    letGo(parts, id, shim).then(announce);
    return;
  }
  // Noted as leaving before anybody hears of the end, asked to after: that costs time which others would wait for.
  if (shim) noteLeaving(parts, id, letGoNextTurn(parts, id, shim));
  announce();
}

async function letGoNextTurn(parts: EngineParts, id: string, shim: Shim): Promise<void> {
  await nextTurn();
  await letGo(parts, id, shim);
}

function noteLeaving(parts: EngineParts, id: string, leaving: Promise<void>): void {
  parts.leaving.set(id, leaving);
  leaving.then(() => {
    if (parts.leaving.get(id) === leaving) parts.leaving.delete(id);
  });
}

/** The end is in the records: the shim may remove cgroups and links, and leave. */
async function letGo(parts: EngineParts, id: string, shim: Shim): Promise<void> {
  try {
    await shim.release();
  } catch (error) {
    parts.log("warn", "a shim did not take its leave", { container: id, error: messageOf(error) });
  }
}

/** Gives back the container's addresses and published ports. */
export function releaseNetwork(parts: EngineParts, id: string): void {
  parts.networks.release(id);
  parts.networks.publishing.withdraw(id).catch((error) => {
    parts.log("error", "published ports could not be taken back", { container: id, error: messageOf(error) });
  });
}
