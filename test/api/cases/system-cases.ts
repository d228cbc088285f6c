import { type ApiCase, casesOf, newContainer } from "./api-case.ts";

const NETWORK = { says: "network absent not found" };
const VOLUME = { says: "get absent: no such volume" };

/** On the network `own`, with `running` on `bridge`, and the volumes `used`, of `running`, and `free`. */
export const SYSTEM_CASES: readonly ApiCase[] = [
  ...casesOf("GET /_ping", [200, "it lives", "/_ping"]),
  ...casesOf("HEAD /_ping", [200, "it lives", "/_ping"]),
  ...casesOf("GET /info", [200, "it lives", "/info"]),
  ...casesOf("GET /version", [200, "it lives", "/version"]),
  ...casesOf("GET /system/df", [200, "all is asked for", "/system/df"], [200, "one type is", "/system/df?type=volume"]),
  ...casesOf(
    "GET /events",
    [200, "what was is asked for", async () => `/events?since=1&until=${Math.floor(Date.now() / 1000)}`],
    [400, "a filter is unknown", "/events?filters=%7B%22x%22%3A%5B%22y%22%5D%7D", { says: "invalid filter 'x'" }],
    [400, "it ends before it begins", "/events?since=2&until=1", { says: "cannot be after" }],
  ),
  ...casesOf("GET /networks", [200, "they are listed", "/networks"]),
  ...casesOf(
    "GET /networks/{id}",
    [200, "it is the default", "/networks/bridge"],
    [200, "it was made", "/networks/own"],
    [404, "there is none", "/networks/absent", NETWORK],
  ),
  ...casesOf(
    "POST /networks/create",
    [201, "the name is free", "/networks/create", { send: { json: { Name: "made", Labels: { a: "b" } } } }],
    [400, "a field has another type", "/networks/create", { send: { json: { Name: 1 } }, says: "Name" }],
    [
      403,
      "the name is predefined",
      "/networks/create",
      { send: { json: { Name: "bridge" } }, says: "predefined|pre-defined" },
    ],
    [
      404,
      "the driver is none",
      "/networks/create",
      { send: { json: { Name: "other", Driver: "absent" } }, says: "absent" },
    ],
    [
      409,
      "the name is taken",
      "/networks/create",
      { send: { json: { Name: "own" } }, says: "already exists", undocumented: true },
    ],
  ),
  ...casesOf(
    "POST /networks/{id}/connect",
    [
      200,
      "the container is not on it",
      async (engine) => {
        await newContainer(engine).then((id) =>
          engine.api(`/containers/${id}/rename?name=wanderer`, { method: "POST" }),
        );
        return "/networks/own/connect";
      },
      { send: { json: { Container: "wanderer" } } },
    ],
    [400, "a field has another type", "/networks/own/connect", { send: { json: { Container: 1 } }, says: "Container" }],
    [
      403,
      "the container is on it",
      "/networks/own/connect",
      { send: { json: { Container: "wanderer" } }, says: "already exists" },
    ],
    [404, "there is none", "/networks/absent/connect", { send: { json: { Container: "wanderer" } }, ...NETWORK }],
  ),
  ...casesOf(
    "POST /networks/{id}/disconnect",
    [200, "the container is on it", "/networks/own/disconnect", { send: { json: { Container: "wanderer" } } }],
    [
      403,
      "the container is not",
      "/networks/own/disconnect",
      { send: { json: { Container: "wanderer" } }, says: "is not connected" },
    ],
    [404, "there is none", "/networks/absent/disconnect", { send: { json: { Container: "wanderer" } }, ...NETWORK }],
  ),
  ...casesOf(
    "DELETE /networks/{id}",
    [204, "nobody is on it", "/networks/made"],
    [403, "it is predefined", "/networks/bridge", { says: "predefined|pre-defined" }],
    [404, "there is none", "/networks/absent", NETWORK],
  ),
  ...casesOf("POST /networks/prune", [
    200,
    "the filter fits nothing",
    "/networks/prune?filters=%7B%22label%22%3A%5B%22absent%22%5D%7D",
  ]),
  ...casesOf("GET /volumes", [200, "they are listed", "/volumes"]),
  ...casesOf(
    "GET /volumes/{name}",
    [200, "it is there", "/volumes/used"],
    [404, "there is none", "/volumes/absent", VOLUME],
  ),
  ...casesOf(
    "POST /volumes/create",
    [201, "the name is free", "/volumes/create", { send: { json: { Name: "made", Labels: { a: "b" } } } }],
    [201, "no name is given", "/volumes/create", { send: { json: {} } }],
    [
      400,
      "a field has another type",
      "/volumes/create",
      { send: { json: { Name: 1 } }, says: "Name", undocumented: true },
    ],
  ),
  ...casesOf("PUT /volumes/{name}", [503, "no cluster has volumes", "/volumes/used?version=1", { send: { json: {} } }]),
  ...casesOf(
    "DELETE /volumes/{name}",
    [204, "nobody uses it", "/volumes/free"],
    [404, "there is none", "/volumes/absent", VOLUME],
    [409, "a container uses it", "/volumes/used", { says: "volume is in use" }],
  ),
  ...casesOf("POST /volumes/prune", [200, "nobody uses them", "/volumes/prune"]),
];
