import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "../base/errors.ts";
import type { Shim } from "../runtime/shim.ts";
import { emitContainerEvent } from "./container-events.ts";
import type { EngineParts } from "./engine-parts.ts";
import { afterProbe, nextProbeInMs, type ProbeResult, startingHealth } from "./health.ts";
import { type HealthCheck, healthCheckOf } from "./health-check.ts";
import { isProbe, runProbe } from "./health-probe.ts";
import { SIGKILL } from "./signal-container.ts";

/** Which containers' health is looked after at this moment. */
export class HealthWatches {
  readonly #watches = new Map<string, AbortController>();

  /** Takes the place of an earlier watch. @returns what ends it. */
  begin(id: string): AbortSignal {
    this.end(id);
    const watch = new AbortController();
    this.#watches.set(id, watch);
    return watch.signal;
  }

  /** Also where there is none. A probe under way is killed. */
  end(id: string): void {
    this.#watches.get(id)?.abort();
    this.#watches.delete(id);
  }

  endAll(): void {
    for (const id of [...this.#watches.keys()]) this.end(id);
  }
}

/** Probes a running container, where it has a health check, until {@link HealthWatches.end}. It need not be starting. */
export function watchHealth(parts: EngineParts, id: string): void {
  const record = parts.containers.get(id);
  const check = healthCheckOf(record.config);
  if (check === null) return;
  probeAgainAndAgain(parts, id, check, parts.health.begin(id)).catch((error) => {
    parts.log("error", "a container's health is no longer checked", { container: id, error: messageOf(error) });
  });
}

/** Takes up again what the last engine did for a container that still runs. Its probe under way told its end to nobody. */
export function watchHealthAgain(parts: EngineParts, id: string, shim: Shim): void {
  if (shim.state.status === "running") {
    for (const exec of shim.state.execs.keys()) if (isProbe(exec)) shim.killGroup(SIGKILL, exec).catch(() => {});
  }
  const { state } = parts.containers.get(id);
  if (state.status === "running" && !state.paused) watchHealth(parts, id);
}

async function probeAgainAndAgain(
  parts: EngineParts,
  id: string,
  check: HealthCheck,
  ended: AbortSignal,
): Promise<void> {
  while (await isTime(parts, id, check, ended)) {
    const probe = await runProbe(parts, id, check, ended);
    if (ended.aborted) return;
    note(parts, id, check, probe);
  }
}

/** Waits for the next probe's time. @returns false where there will be none. */
async function isTime(parts: EngineParts, id: string, check: HealthCheck, ended: AbortSignal): Promise<boolean> {
  const { state, health } = parts.containers.get(id);
  if (state.status !== "running") return false;
  const wait = nextProbeInMs(health ?? startingHealth(null), check, state.startedAt, Date.now());
  await delay(wait, undefined, { signal: ended }).catch(() => {});
  return !ended.aborted;
}

function note(parts: EngineParts, id: string, check: HealthCheck, probe: ProbeResult): void {
  const { state, health } = parts.containers.get(id);
  if (state.status !== "running") return;
  const before = health ?? startingHealth(null);
  const after = afterProbe(before, probe, check, state.startedAt);
  const record = parts.containers.update(id, { health: after });
  if (after.Status !== before.Status) emitContainerEvent(parts, record, `health_status: ${after.Status}`);
}
