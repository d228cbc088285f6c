import { fail } from "../base/errors.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";
import { startContainer } from "./start-container.ts";
import { endProcess } from "./stop-container.ts";

/**
 * Works on a container that does not run, and that nobody starts meanwhile.
 * @param options.restart stop a running one first, by its own signal and timeout, and start it again whatever came of the work.
 * @param options.attempt what is tried, for the refusal: `cannot roll back`.
 * @throws conflict `CONTAINER_RUNNING`
 */
export async function whileStopped<T>(
  parts: EngineParts,
  reference: string,
  options: { readonly restart: boolean; readonly attempt: string },
  work: (record: ContainerRecord) => Promise<T>,
): Promise<T> {
  const record = parts.containers.resolve(reference);
  const wasRunning = record.state.status === "running";
  if (wasRunning && options.restart) await endForRestart(parts, record);
  try {
    return await parts.locks.run(record.id, async () => {
      const stopped = parts.containers.get(record.id);
      if (stopped.state.status === "running") refuseRunning(stopped, options.attempt);
      await parts.leaving.get(record.id);
      return work(stopped);
    });
  } finally {
    if (wasRunning && options.restart) await startContainer(parts, record.id);
  }
}

/** What ends here comes back: neither --rm nor a restart policy is to take notice. */
async function endForRestart(parts: EngineParts, record: ContainerRecord): Promise<void> {
  parts.restarts.hold(record.id);
  try {
    await endProcess(parts, record, {});
  } finally {
    parts.restarts.release(record.id);
  }
}

function refuseRunning({ name }: ContainerRecord, attempt: string): never {
  return fail(
    "conflict",
    "CONTAINER_RUNNING",
    `${attempt} container ${name}: it is running; stop it first, or restart it meanwhile (--restart)`,
  );
}
