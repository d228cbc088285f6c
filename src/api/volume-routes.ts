import { z } from "zod";
import { fail } from "../base/errors.ts";
import { VolumeCreateSchema } from "../volume/create-volume.ts";
import { since } from "./api-version.ts";
import { queryFilters, queryFlag } from "./query.ts";
import { empty, json } from "./reply.ts";
import { optionalJsonBody } from "./request-body.ts";
import { type Route, route } from "./route.ts";

export const VOLUME_ROUTES: readonly Route[] = [
  route({
    method: "GET",
    path: "/volumes",
    summary: "Lists volumes",
    query: z.object({ filters: queryFilters }),
    handle: async ({ services: { engine }, query }) => json(await engine.volumes.list(query.filters)),
  }),
  route({
    method: "GET",
    path: "/volumes/{name}",
    summary: "All about a volume",
    handle: async ({ services: { engine }, params: { name } }) => json(await engine.volumes.inspect(name)),
  }),
  route({
    method: "POST",
    path: "/volumes/create",
    summary: "Makes a volume",
    limits: "Drivers other than `local` are not there: they are plugins",
    body: optionalJsonBody(VolumeCreateSchema),
    handle: async ({ services: { engine }, body }) => json(await engine.volumes.create(body), 201),
  }),
  route({
    method: "POST",
    path: "/volumes/prune",
    summary: "Removes volumes that nobody uses",
    query: z.object({ filters: queryFilters }),
    handle: async ({ services: { engine }, query: { filters }, version }) =>
      // Named volumes are kept from 1.42 on, unless the client says all.
      json(
        await engine.volumes.prune(since(version, 42) ? filters : new Map([...filters, ["all", ["true"]] as const])),
      ),
  }),
  route({
    method: "PUT",
    path: "/volumes/{name}",
    summary: "Changes a volume of a cluster",
    limits: "There are none without a swarm: 503",
    handle: () =>
      fail(
        "unavailable",
        "NOT_A_SWARM_MANAGER",
        "volume update is only valid for cluster volumes, but swarm is unavailable",
      ),
  }),
  route({
    method: "DELETE",
    path: "/volumes/{name}",
    summary: "Removes a volume",
    query: z.object({ force: queryFlag }),
    handle: async ({ services: { engine }, params: { name }, query }) => {
      await engine.volumes.remove(name, query);
      return empty();
    },
  }),
];
