import { z } from "zod";
import { fail } from "../base/errors.ts";
import { buildImage } from "../build/classic/build-image.ts";
import type { BuildOptions } from "../build/classic/build-options.ts";
import { ResourcesSchema, UlimitSchema } from "../engine/container-config.ts";
import { parseReference } from "../image/reference.ts";
import { builderOf } from "./builder.ts";
import { doorOf } from "./buildkit-door.ts";
import { queryFlag, queryFlagOr, queryInteger, queryJson, queryText, queryTexts } from "./query.ts";
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
    // The classic builder's cache is images: `docker image prune` removes what is not used.
    handle: () => json({ CachesDeleted: [], SpaceReclaimed: 0 }),
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
