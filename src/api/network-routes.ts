import { z } from "zod";
import { EndpointSettingsSchema } from "../engine/container-config.ts";
import { NetworkCreateSchema } from "../network/create-network.ts";
import { queryFilters } from "./query.ts";
import { empty, json } from "./reply.ts";
import { jsonBody } from "./request-body.ts";
import { type Route, route } from "./route.ts";

const ConnectSchema = z.object({
  Container: z.string(),
  EndpointConfig: EndpointSettingsSchema.nullish().transform((value) => value ?? EndpointSettingsSchema.parse({})),
});

const DisconnectSchema = z.object({ Container: z.string(), Force: z.boolean().nullish() });

export const NETWORK_ROUTES: readonly Route[] = [
  route({
    method: "GET",
    path: "/networks",
    summary: "Lists networks",
    query: z.object({ filters: queryFilters }),
    handle: ({ services: { engine }, query }) => json(engine.networks.list(query.filters)),
  }),
  route({
    method: "GET",
    path: "/networks/{id}",
    summary: "All about a network",
    limits: "`verbose` and `scope` change nothing: all networks are this machine's",
    handle: ({ services: { engine }, params: { id } }) => json(engine.networks.inspect(id)),
  }),
  route({
    method: "POST",
    path: "/networks/create",
    summary: "Makes a network",
    limits: "Drivers are `bridge`, `macvlan` and `ipvlan`; overlay networks need a swarm",
    body: jsonBody(NetworkCreateSchema),
    handle: async ({ services: { engine }, body }) => json(await engine.networks.create(body), 201),
  }),
  route({
    method: "POST",
    path: "/networks/{id}/connect",
    summary: "Puts a container on a network",
    body: jsonBody(ConnectSchema),
    handle: async ({ services: { engine }, params: { id }, body }) => {
      await engine.networks.connect(id, body.Container, body.EndpointConfig);
      return empty(200);
    },
  }),
  route({
    method: "POST",
    path: "/networks/{id}/disconnect",
    summary: "Takes it off",
    body: jsonBody(DisconnectSchema),
    handle: async ({ services: { engine }, params: { id }, body }) => {
      await engine.networks.disconnect(id, body.Container, { force: body.Force ?? false });
      return empty(200);
    },
  }),
  route({
    method: "DELETE",
    path: "/networks/{id}",
    summary: "Removes a network",
    handle: async ({ services: { engine }, params: { id } }) => {
      await engine.networks.remove(id);
      return empty();
    },
  }),
  route({
    method: "POST",
    path: "/networks/prune",
    summary: "Removes networks that nobody is on",
    query: z.object({ filters: queryFilters }),
    handle: async ({ services: { engine }, query }) => json(await engine.networks.prune(query.filters)),
  }),
];
