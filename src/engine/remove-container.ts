import { fail } from "../base/errors.ts";
import { containerRef, forgetReflog } from "../image/reflog.ts";
import { emitContainerEvent } from "./container-events.ts";
import { type ContainerRecord, isRestarting, statusOf } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";
import { containerDirectory } from "./inspect-container.ts";
import { killAndWait } from "./signal-container.ts";
import { removeVolume } from "./volume-commands.ts";

export interface RemoveOptions {
  /** Ends a running container first. */
  readonly force: boolean;
  /** Removes its anonymous volumes too. */
  readonly volumes: boolean;
}

/**
 * Removes a container: its record first, so that after a crash in between what is left has no owner and start-up clears it.
 * Files go in the background. @throws not-found; conflict `CONTAINER_RUNNING` in Docker's words.
 */
export async function removeContainer(parts: EngineParts, reference: string, options: RemoveOptions): Promise<void> {
  const { id } = parts.containers.resolve(reference);
  await parts.locks.run(id, async () => {
    if (!parts.containers.has(id)) fail("not-found", "CONTAINER_NOT_FOUND", `No such container: ${reference}`);
    const { state } = parts.containers.get(id);
    if ((state.status === "running" || isRestarting(state)) && !options.force) refuseRunning(parts.containers.get(id));
    parts.restarts.forget(id);
    if (state.status === "running") {
      await killAndWait(parts, id);
      // A restart policy must not bring it back.
      parts.restarts.forget(id);
    }
    await removeStopped(parts, parts.containers.get(id), options);
  });
}

function refuseRunning(record: ContainerRecord): never {
  const reason =
    statusOf(record.state) === "paused"
      ? "container is paused and must be unpaused first"
      : `container is ${statusOf(record.state)}: stop the container before removing or force remove`;
  return fail("conflict", "CONTAINER_RUNNING", `cannot remove container "/${record.name}": ${reason}`);
}

async function removeStopped(parts: EngineParts, record: ContainerRecord, options: RemoveOptions): Promise<void> {
  const exitCode = record.state.status === "exited" ? record.state.exitCode : 0;
  parts.store.transaction(() => {
    parts.networks.release(record.id);
    forgetReflog(parts.store, containerRef(record.id));
    parts.containers.delete(record.id);
  });
  parts.execs.forgetContainer(record.id);
  parts.pendingAttaches.cancelAll(record.id);
  for (const snapshot of snapshotsOf(record)) parts.snapshotter.remove(snapshot);
  parts.trash.discard(containerDirectory(parts, record.id));
  if (options.volumes) removeAnonymousVolumes(parts, record);
  emitContainerEvent(parts, record, "destroy");
  parts.waiters.removed(record.id, exitCode);
}

/** Its writable layer, and those that keep the layers of images which it mounts. */
function snapshotsOf({ snapshot, mounts }: ContainerRecord): number[] {
  return [snapshot, ...mounts.flatMap((point) => (point.Type === "image" ? (point.snapshot ?? []) : []))];
}

function removeAnonymousVolumes(parts: EngineParts, record: ContainerRecord): void {
  for (const mount of record.mounts) {
    if (mount.Type !== "volume" || !parts.volumes.isAnonymous(mount.Name)) continue;
    const usedElsewhere = parts.containers.all().some((other) => other.mounts.some(({ Name }) => Name === mount.Name));
    if (!usedElsewhere) removeVolume(parts, mount.Name);
  }
}
