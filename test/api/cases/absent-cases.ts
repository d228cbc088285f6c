import { type ApiCase, casesOf } from "./api-case.ts";

const NOT_A_MANAGER = { says: "This node is not a swarm manager" };

const MANAGER_ONLY = [
  "GET /swarm",
  "POST /swarm/update",
  "GET /swarm/unlockkey",
  "POST /swarm/unlock",
  "GET /nodes",
  "GET /nodes/{id}",
  "DELETE /nodes/{id}",
  "POST /nodes/{id}/update",
  "GET /services",
  "POST /services/create",
  "GET /services/{id}",
  "DELETE /services/{id}",
  "POST /services/{id}/update",
  "GET /services/{id}/logs",
  "GET /tasks",
  "GET /tasks/{id}",
  "GET /tasks/{id}/logs",
  "GET /secrets",
  "POST /secrets/create",
  "GET /secrets/{id}",
  "DELETE /secrets/{id}",
  "POST /secrets/{id}/update",
  "GET /configs",
  "POST /configs/create",
  "GET /configs/{id}",
  "DELETE /configs/{id}",
  "POST /configs/{id}/update",
];

const NAMED_PLUGIN = [
  "GET /plugins/{name}/json",
  "DELETE /plugins/{name}",
  "POST /plugins/{name}/enable",
  "POST /plugins/{name}/disable",
  "POST /plugins/{name}/upgrade",
  "POST /plugins/{name}/push",
  "POST /plugins/{name}/set",
];

/** What an engine answers that is in no swarm and has no plugins. */
export const ABSENT_CASES: readonly ApiCase[] = [
  ...MANAGER_ONLY.flatMap((operation) =>
    casesOf(operation, [503, "it is in no swarm", pathOf(operation), NOT_A_MANAGER]),
  ),
  ...casesOf("POST /swarm/leave", [503, "it is in no swarm", "/swarm/leave", { says: "not part of a swarm" }]),
  ...["POST /swarm/init", "POST /swarm/join"].flatMap((operation) =>
    casesOf(operation, [501, "asked into one", pathOf(operation), { says: "not implemented", undocumented: true }]),
  ),
  ...casesOf("GET /plugins", [200, "it has none", "/plugins"]),
  ...NAMED_PLUGIN.flatMap((operation) =>
    casesOf(operation, [404, "it has none", pathOf(operation), { says: 'plugin "absent" not found' }]),
  ),
  ...["GET /plugins/privileges", "POST /plugins/pull", "POST /plugins/create"].flatMap((operation) =>
    casesOf(operation, [501, "asked for one", pathOf(operation), { says: "not implemented", undocumented: true }]),
  ),
];

function pathOf(operation: string): string {
  return operation.replace(/^\w+ /, "").replace(/\{\w+\}/, "absent");
}
