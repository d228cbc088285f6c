import { fail } from "../base/errors.ts";
import type { Shim } from "../runtime/shim.ts";
import type { ContainerRecord, RunningState } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";

/** @throws conflict `CONTAINER_NOT_RUNNING`, with what was tried in front. */
export function requireRunning(record: ContainerRecord, attempt = ""): RunningState {
  if (record.state.status === "running") return record.state;
  return fail(
    "conflict",
    "CONTAINER_NOT_RUNNING",
    attempt ? `${attempt}: container ${record.id} is not running` : `Container ${record.id} is not running`,
  );
}

/** The connection to a running container's shim. @throws conflict where it ended in this moment. */
export function requireShim(parts: EngineParts, id: string): Shim {
  return parts.live.get(id) ?? fail("conflict", "CONTAINER_NOT_RUNNING", `Container ${id} is not running`);
}
