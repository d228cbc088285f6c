import { assertKnownFilters, type Filters, matchesAny, matchesLabels } from "../base/filters.ts";
import { isRestarting } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";
import { parseUntil } from "./images.ts";
import { removeContainer } from "./remove-container.ts";

/** Removes all containers that do not run. */
export async function pruneContainers(parts: EngineParts, filters: Filters) {
  assertKnownFilters(filters, ["until", "label", "label!"]);
  const chosen = parts.containers
    .all()
    .filter(
      ({ state, config, created }) =>
        state.status !== "running" &&
        !isRestarting(state) &&
        matchesLabels(config.Labels, filters) &&
        matchesAny(filters, "until", (until) => Date.parse(created) < parseUntil(until)),
    );
  let reclaimed = 0;
  for (const { id, snapshot } of chosen) {
    reclaimed += await parts.snapshotter.usage(snapshot);
    await removeContainer(parts, id, { force: false, volumes: false });
  }
  return { ContainersDeleted: chosen.length > 0 ? chosen.map(({ id }) => id) : null, SpaceReclaimed: reclaimed };
}
