import { z } from "zod";
import { fail } from "../base/errors.ts";
import { type ApiVersion, since } from "./api-version.ts";
import { queryFilters, queryTexts, queryTime } from "./query.ts";
import { feed, json, type Reply } from "./reply.ts";
import { type Route, route } from "./route.ts";

const NO_CACHE = { "Cache-Control": "no-cache, no-store, must-revalidate", Pragma: "no-cache" };

const UPGRADES_LATER = "BuildKit's protocol is not implemented yet: build with DOCKER_BUILDKIT=0";

export const SYSTEM_ROUTES: readonly Route[] = [
  route({ method: "GET", path: "/_ping", handle: ping }),
  route({ method: "HEAD", path: "/_ping", handle: ping }),
  route({ method: "GET", path: "/version", handle: ({ services: { engine } }) => json(engine.system.version()) }),
  route({ method: "GET", path: "/info", handle: ({ services: { engine } }) => json(engine.system.info()) }),
  route({
    method: "GET",
    path: "/events",
    query: z.object({ since: queryTime, until: queryTime, filters: queryFilters }),
    handle: ({ services: { engine }, query, abort }) => {
      if (query.since !== undefined && query.until !== undefined && query.since > query.until) {
        fail("invalid", "EVENTS_RANGE", "`since` time cannot be after `until` time");
      }
      return feed(engine.events.subscribe({ ...query, abort }));
    },
  }),
  route({
    method: "GET",
    path: "/system/df",
    query: z.object({ type: queryTexts }),
    handle: async ({ services: { engine }, query: { type: types }, version }) =>
      json(selectUsage(await engine.system.diskUsage(), types, version)),
  }),
  route({ method: "POST", path: "/session", handle: upgradesLater }),
  route({ method: "POST", path: "/grpc", handle: upgradesLater }),
];

/** Builder-Version 1 tells clients to use the classic builder where they do not bring their own. */
function ping(): Reply {
  return { kind: "text", body: "OK", headers: { ...NO_CACHE, "Builder-Version": "1", Swarm: "inactive" } };
}

const USAGE_TYPES = ["container", "image", "volume", "build-cache"];

interface Usage {
  readonly LayersSize: number;
  readonly Images: readonly unknown[];
  readonly Containers: readonly unknown[];
  readonly Volumes: readonly unknown[];
  readonly BuildCache: readonly unknown[];
}

/** Only the types asked for, from 1.42 on; all where none is named. */
function selectUsage(usage: Usage, types: readonly string[], version: ApiVersion) {
  for (const type of types) {
    if (!USAGE_TYPES.includes(type)) fail("invalid", "USAGE_TYPE", `unknown object type: ${type}`);
  }
  const wants = (type: string) => types.length === 0 || types.includes(type);
  return {
    LayersSize: wants("image") ? usage.LayersSize : 0,
    Images: wants("image") ? usage.Images : null,
    Containers: wants("container") ? usage.Containers : null,
    Volumes: wants("volume") ? usage.Volumes : null,
    BuildCache: wants("build-cache") ? usage.BuildCache : null,
    ...(since(version, 42) ? {} : { BuilderSize: 0 }),
  };
}

function upgradesLater(): never {
  return fail("not-implemented", "NO_BUILDKIT", UPGRADES_LATER);
}
