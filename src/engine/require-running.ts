import { fail } from "../base/errors.ts";
import type { Shim } from "../runtime/shim.ts";
import { type ContainerRecord, isRestarting, type RunningState } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";

/** @throws conflict `CONTAINER_NOT_RUNNING`, with what was tried in front; `CONTAINER_RESTARTING`. */
export function requireRunning(record: ContainerRecord, attempt = ""): RunningState {
  if (record.state.status === "running") return record.state;
  if (isRestarting(record.state)) {
    fail(
      "conflict",
      "CONTAINER_RESTARTING",
      `Container ${record.id} is restarting, wait until the container is running`,
    );
  }
  return fail(
    "conflict",
    "CONTAINER_NOT_RUNNING",
    `${attempt ? `${attempt}: ` : ""}container ${record.id} is not running`,
  );
}

/**
 * As {@link requireRunning}, for what a frozen process could not do.
 * @param called what the client calls the container, for the message.
 */
export function requireUnpaused(record: ContainerRecord, called: string): void {
  if (requireRunning(record).paused) {
    fail("conflict", "CONTAINER_PAUSED", `Container ${called} is paused, unpause the container before exec`);
  }
}

/** The connection to a running container's shim. @throws conflict where it ended in this moment. */
export function requireShim(parts: EngineParts, id: string): Shim {
  return parts.live.get(id) ?? fail("conflict", "CONTAINER_NOT_RUNNING", `container ${id} is not running`);
}
