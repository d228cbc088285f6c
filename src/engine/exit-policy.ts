import { messageOf } from "../base/errors.ts";
import { type ContainerRecord, isRestarting } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";
import { removeContainer } from "./remove-container.ts";
import { startByPolicy } from "./start-container.ts";

/** After a container's end, or a start that failed: restarts it by its policy, or removes it as `--rm` asked. */
export function applyExitPolicy(parts: EngineParts, record: ContainerRecord, ranForMs: number): void {
  if (isRestarting(record.state)) {
    parts.restarts.schedule(record.id, ranForMs, () => restart(parts, record.id));
  } else if (record.hostConfig.AutoRemove) {
    autoRemove(parts, record);
  }
}

function restart(parts: EngineParts, id: string): void {
  startByPolicy(parts, id).catch((error) => {
    parts.log("error", "a restart failed", { container: id, error: messageOf(error) });
  });
}

function autoRemove(parts: EngineParts, record: ContainerRecord): void {
  const exitCode = record.state.status === "running" ? 0 : record.state.exitCode;
  parts.waiters.removesItself(record.id, exitCode);
  removeContainer(parts, record.id, { force: false, volumes: true }).catch((error) => {
    if (!parts.containers.has(record.id)) return;
    parts.log("error", "a container could not be removed after its end", { container: record.id, error });
    parts.waiters.removalFailed(record.id, exitCode, messageOf(error));
  });
}
