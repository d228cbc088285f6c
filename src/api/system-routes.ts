import { z } from "zod";
import { fail } from "../base/errors.ts";
import type { Nanoseconds } from "../base/timestamp.ts";
import { listCache } from "../build/prune.ts";
import { readRegistrySettings } from "../registry/client/registry-settings.ts";
import { type ApiVersion, since } from "./api-version.ts";
import { builderOf } from "./builder.ts";
import { newestKnownTo } from "./client-quirks.ts";
import { infoFor } from "./info-versions.ts";
import { queryFilters, queryTexts, queryTime } from "./query.ts";
import { empty, json, lines, PLAIN_TEXT, type Reply } from "./reply.ts";
import { type Route, route } from "./route.ts";

/** Builder-Version 2 tells clients to build by BuildKit's protocol where they can. */
const PING_HEADERS = {
  "Cache-Control": "no-cache, no-store, must-revalidate",
  Pragma: "no-cache",
  "Builder-Version": "2",
  Swarm: "inactive",
};

export const SYSTEM_ROUTES: readonly Route[] = [
  route({
    method: "GET",
    path: "/_ping",
    summary: "Whether the engine lives; headers say what it speaks",
    handle: ping,
  }),
  route({
    method: "HEAD",
    path: "/_ping",
    summary: "The same without a body",
    handle: () => empty(200, { ...PING_HEADERS, "Content-Type": PLAIN_TEXT, "Content-Length": 0 }),
  }),
  route({
    method: "GET",
    path: "/version",
    summary: "Versions of the engine and of its API",
    handle: ({ services: { engine }, headers }) => {
      const version = engine.system.version();
      return json({ ...version, ApiVersion: newestKnownTo(headers["user-agent"]) ?? version.ApiVersion });
    },
  }),
  route({
    method: "GET",
    path: "/info",
    summary: "The engine, its machine and its settings",
    handle: ({ services: { engine }, version }) =>
      json(infoFor(version, engine.system.info(), readRegistrySettings(engine.parts.paths.root))),
  }),
  route({
    method: "GET",
    path: "/events",
    summary: "What happens, and what happened since a time; the store keeps the last 4096 events, over restarts",
    query: z.object({ since: queryTime, until: queryTime, filters: queryFilters }),
    handle: ({ services: { engine }, query, abort }) => {
      if (query.since !== undefined && query.until !== undefined && query.since > query.until) {
        const [since, until] = [query.since, query.until].map(formatSeconds);
        fail("invalid", "EVENTS_RANGE", `\`since\` time (${since}) cannot be after \`until\` time (${until})`);
      }
      return lines(engine.events.subscribe({ ...query, abort }));
    },
  }),
  route({
    method: "GET",
    path: "/system/df",
    summary: "What images, containers and volumes take on disk",
    query: z.object({ type: queryTexts }),
    handle: async ({ services: { engine }, query: { type: types }, version }) =>
      json(
        selectUsage(
          { ...(await engine.system.diskUsage()), BuildCache: await listCache(builderOf(engine)) },
          types,
          version,
        ),
      ),
  }),
];

/** As clients write it in a query: seconds since the epoch. */
function formatSeconds(time: Nanoseconds): string {
  return `${time / 1_000_000_000n}.${String(time % 1_000_000_000n).padStart(9, "0")}`;
}

function ping(): Reply {
  return { kind: "text", body: "OK", headers: PING_HEADERS };
}

const USAGE_TYPES = ["container", "image", "volume", "build-cache"];

interface Usage {
  readonly LayersSize: number;
  readonly Images: readonly { readonly Size: number }[];
  readonly Containers: readonly unknown[];
  readonly Volumes: readonly unknown[];
  readonly BuildCache: readonly unknown[];
}

/** Only the types asked for, from 1.42 on; all where none is named. */
function selectUsage(usage: Usage, types: readonly string[], version: ApiVersion) {
  const selects = types.length > 0 && since(version, 42);
  for (const type of selects ? types : []) {
    if (!USAGE_TYPES.includes(type)) fail("invalid", "USAGE_TYPE", `unknown object type: ${type}`);
  }
  const wants = (type: string) => !selects || types.includes(type);
  const images = usage.Images.map((image) => (since(version, 44) ? image : { ...image, VirtualSize: image.Size }));
  return {
    LayersSize: wants("image") ? usage.LayersSize : 0,
    Images: wants("image") ? images : null,
    Containers: wants("container") ? usage.Containers : null,
    Volumes: wants("volume") ? usage.Volumes : null,
    BuildCache: wants("build-cache") ? usage.BuildCache : null,
    ...(since(version, 42) ? {} : { BuilderSize: 0 }),
  };
}
