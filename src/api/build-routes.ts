import { z } from "zod";
import { fail } from "../base/errors.ts";
import { assertKnownFilters, type Filters } from "../base/filters.ts";
import { buildImage } from "../build/classic/build-image.ts";
import type { BuildOptions } from "../build/classic/build-options.ts";
import { parseDuration } from "../build/dockerfile/duration.ts";
import { pruneCache } from "../build/prune.ts";
import { ResourcesSchema, UlimitSchema } from "../engine/container-config.ts";
import { parseReference } from "../image/reference.ts";
import { builderOf } from "./builder.ts";
import { doorOf } from "./buildkit-door.ts";
import { queryFilters, queryFlag, queryFlagOr, queryInteger, queryJson, queryText, queryTexts } from "./query.ts";
import { empty, json, progress } from "./reply.ts";
import { streamBody } from "./request-body.ts";
import { type Route, route } from "./route.ts";
import { sessionBuild, sessionBuildQuery } from "./session-build.ts";

const textMap = z.record(z.string(), z.string());

const buildQuery = z.object({
  dockerfile: queryText,
  remote: queryText,
  t: queryTexts,
  target: queryText,
  buildargs: queryJson(z.record(z.string(), z.string().nullable()).nullable()),
  labels: queryJson(textMap.nullable()),
  platform: queryText,
  nocache: queryFlag,
  pull: queryFlag,
  q: queryFlag,
  rm: queryFlagOr(true),
  squash: queryFlag,
  cachefrom: queryJson(z.array(z.string()).nullable()),
  version: queryText,
  networkmode: queryText,
  extrahosts: queryTexts,
  securityopt: queryTexts,
  ulimits: queryJson(z.array(UlimitSchema).nullable()),
  shmsize: queryInteger,
  memory: queryInteger,
  memswap: queryInteger,
  cpushares: queryInteger,
  cpuperiod: queryInteger,
  cpuquota: queryInteger,
  cpusetcpus: queryText,
  cpusetmems: queryText,
  cgroupparent: queryText,
  ...sessionBuildQuery,
});
type BuildQuery = z.infer<typeof buildQuery>;

export const BUILD_ROUTES: readonly Route[] = [
  route({
    method: "POST",
    path: "/build",
    summary: "Builds an image from a context and its Dockerfile",
    query: buildQuery,
    body: streamBody,
    handle: ({ services: { engine }, query, body, abort }) => {
      if (query.version === "2") return sessionBuild(engine, query, body, abort);
      assertSupported(query);
      return progress(buildImage(builderOf(engine), buildOptions(query), body, abort));
    },
  }),
  route({
    method: "POST",
    path: "/build/prune",
    summary: "Frees the builder's cache",
    query: z.object({
      all: queryFlag,
      filters: queryFilters,
      "keep-storage": queryInteger,
      "reserved-space": queryInteger,
    }),
    handle: async ({ services: { engine }, query }) => {
      const { ids, bytes } = await pruneCache(builderOf(engine), pruneOptions(query));
      return json({ CachesDeleted: ids, SpaceReclaimed: bytes });
    },
  }),
  route({
    method: "POST",
    path: "/build/cancel",
    summary: "Ends a build of BuildKit's",
    query: z.object({ id: queryText }),
    handle: async ({ services: { engine }, query: { id } }) => {
      (await doorOf(engine)).builds.cancel(id);
      return empty(200);
    },
  }),
];

/** @throws invalid for a filter or a time that is none. */
function pruneOptions(query: {
  readonly all: boolean;
  readonly filters: Filters;
  readonly "keep-storage": number | undefined;
  readonly "reserved-space": number | undefined;
}) {
  const { filters } = query;
  assertKnownFilters(filters, [
    "until",
    "unused-for",
    "id",
    "type",
    "inuse",
    "shared",
    "private",
    "description",
    "parent",
    // `docker system prune --filter label=...` sends it here too; what builds keep has no labels, and goes as with Docker.
    "label",
    "label!",
  ]);
  const [until = ""] = [...(filters.get("until") ?? []), ...(filters.get("unused-for") ?? [])];
  return {
    all: query.all,
    unusedForMs: until === "" ? 0 : parseDuration(until) / 1e6,
    keepBytes: query["reserved-space"] ?? query["keep-storage"] ?? 0,
    types: filters.get("type") ?? [],
    ids: filters.get("id") ?? [],
  };
}

function assertSupported({ version, remote }: BuildQuery): void {
  if (version !== "" && version !== "1") fail("invalid", "BUILDER_VERSION", `invalid version ${version}`);
  if (remote === "client-session") {
    fail("invalid", "NO_BUILDKIT", "a build context over a session needs BuildKit: ask for version 2");
  }
}

function buildOptions(query: BuildQuery): BuildOptions {
  return {
    dockerfile: query.dockerfile || "Dockerfile",
    tags: query.t.filter((name) => name !== "").map(parseReference),
    target: query.target,
    buildArgs: new Map(Object.entries(query.buildargs ?? {})),
    labels: query.labels ?? {},
    platform: query.platform,
    remote: query.remote,
    pull: query.pull,
    cacheFrom: query.cachefrom ?? [],
    squash: query.squash,
    noCache: query.nocache,
    quiet: query.q,
    announceRemoval: query.rm,
    networkMode: query.networkmode || "default",
    resources: ResourcesSchema.parse({
      Memory: query.memory,
      MemorySwap: query.memswap,
      CpuShares: query.cpushares,
      CpuPeriod: query.cpuperiod,
      CpuQuota: query.cpuquota,
      CpusetCpus: query.cpusetcpus,
      CpusetMems: query.cpusetmems,
      CgroupParent: query.cgroupparent,
      Ulimits: query.ulimits,
    }),
    shmSizeBytes: query.shmsize ?? 0,
    extraHosts: query.extrahosts,
    securityOptions: query.securityopt,
  };
}
