import type { InspectDocument } from "../engine/inspect-container.ts";
import type { listContainers } from "../engine/list-containers.ts";
import { type ApiVersion, since } from "./api-version.ts";

type Summary = Awaited<ReturnType<typeof listContainers>>[number];

/** A container in the list as a version of the API tells it (Engine API version history). */
export function containerSummaryFor(version: ApiVersion, summary: Summary) {
  if (since(version, 46)) return summary;
  return { ...summary, HostConfig: { NetworkMode: summary.HostConfig.NetworkMode } };
}

const PREDEFINED = new Set(["bridge", "host", "none", "default"]);

/** A container's document as a version of the API tells it (Engine API version history). */
export function containerDocumentFor(version: ApiVersion, container: InspectDocument) {
  // Until 1.45 the names that a container has on its networks by itself stood among those it was given, once it had been
  // started: docker-compose 1.x takes its own id for a sign that it has set a container's aliases.
  if (since(version, 45) || container.State.Status === "created") return container;
  const own = [container.Id.slice(0, 12), container.Config.Hostname];
  const networks = Object.entries(container.NetworkSettings.Networks).map(([name, endpoint]) => [
    name,
    PREDEFINED.has(name) ? endpoint : { ...endpoint, Aliases: [...new Set([...(endpoint.Aliases ?? []), ...own])] },
  ]);
  return {
    ...container,
    NetworkSettings: { ...container.NetworkSettings, Networks: Object.fromEntries(networks) },
  };
}
