import { fail } from "../base/errors.ts";
import { updateLive } from "../runtime/cgroup-update.ts";
import { checkResources } from "../runtime/resource-limits.ts";
import { mergeUpdate } from "../runtime/resource-update.ts";
import { ociResources } from "../runtime/resources.ts";
import type { Resources, RestartPolicy } from "./container-config.ts";
import { emitContainerEvent } from "./container-events.ts";
import type { EngineParts } from "./engine-parts.ts";
import { requireRestartPolicy } from "./restart-policy.ts";

/** What a client wants changed: only what it names. */
export interface UpdateRequest {
  readonly resources: Partial<Resources>;
  readonly restartPolicy?: RestartPolicy;
}

/** Changes limits at once and for later starts. @throws invalid in Docker's words; conflict for a removal under way. */
export async function updateContainer(
  parts: EngineParts,
  reference: string,
  request: UpdateRequest,
): Promise<{ Warnings: string[] }> {
  const { id } = parts.containers.resolve(reference);
  if (request.restartPolicy) requireRestartPolicy(request.restartPolicy);
  return parts.locks.run(id, async () => {
    const record = parts.containers.get(id);
    if (request.restartPolicy && request.restartPolicy.Name !== "" && record.hostConfig.AutoRemove) {
      fail(
        "invalid",
        "AUTO_REMOVE_RESTARTS",
        "Restart policy cannot be updated because AutoRemove is enabled for the container",
      );
    }
    const { resources, warnings } = checkResources(
      mergeUpdate(record.hostConfig, request.resources),
      parts.support,
      true,
    );
    if (record.state.status === "running")
      await updateLive(parts.cgroups, record.state.cgroupPath, await ociResources(resources), parts.support);
    const updated = parts.containers.update(id, {
      hostConfig: {
        ...resources,
        ...(request.restartPolicy?.Name ? { RestartPolicy: request.restartPolicy } : {}),
      },
    });
    emitContainerEvent(parts, updated, "update");
    return { Warnings: warnings };
  });
}
