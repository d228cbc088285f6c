import { emitContainerEvent } from "./container-events.ts";
import type { EngineParts } from "./engine-parts.ts";
import { startContainer } from "./start-container.ts";
import { endProcess, type StopOptions, stopRestarting } from "./stop-container.ts";

/** Stops, where it runs, and starts. */
export async function restartContainer(parts: EngineParts, reference: string, options: StopOptions): Promise<void> {
  const record = parts.containers.resolve(reference);
  stopRestarting(parts, record);
  if (record.state.status === "running") {
    // A container that is only restarted must not vanish through --rm, nor come back twice through its policy.
    parts.restarts.hold(record.id);
    try {
      await endProcess(parts, record, options);
    } finally {
      parts.restarts.release(record.id);
    }
  }
  await startContainer(parts, record.id);
  emitContainerEvent(parts, parts.containers.get(record.id), "restart");
}
