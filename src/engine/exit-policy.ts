import { messageOf } from "../base/errors.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";
import { removeContainer } from "./remove-container.ts";
import { startContainer } from "./start-container.ts";

/** After a container's end, or a start that failed: restarts it by its policy, or removes it as `--rm` asked. */
export function applyExitPolicy(parts: EngineParts, record: ContainerRecord, ranForMs: number): void {
  if (record.state.status === "exited" && record.state.restarting) {
    parts.restarts.schedule(record.id, ranForMs, () => restart(parts, record));
  } else if (record.hostConfig.AutoRemove) {
    autoRemove(parts, record);
  }
}

function restart(parts: EngineParts, record: ContainerRecord): void {
  if (!parts.containers.has(record.id)) return;
  parts.containers.update(record.id, { restartCount: record.restartCount + 1 });
  startContainer(parts, record.id).catch((error) => {
    parts.log("error", "a restart failed", { container: record.id, error: messageOf(error) });
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
