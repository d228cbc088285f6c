import { z } from "zod";
import { fail } from "../base/errors.ts";
import { buildImage } from "../build/classic/build-image.ts";
import type { BuildOptions } from "../build/classic/build-options.ts";
import { ResourcesSchema, UlimitSchema } from "../engine/container-config.ts";
import { parseReference } from "../image/reference.ts";
import { builderOf } from "./builder.ts";
import { queryFlag, queryFlagOr, queryInteger, queryJson, queryText, queryTexts } from "./query.ts";
import { json, progress } from "./reply.ts";
import { streamBody } from "./request-body.ts";
import { type Route, route } from "./route.ts";

const textMap = z.record(z.string(), z.string());

const buildQuery = z.object({
  dockerfile: queryText,
  remote: queryText,
  t: queryTexts,
  target: queryText,
  buildargs: queryJson(z.record(z.string(), z.string().nullable())),
  labels: queryJson(textMap),
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
    handle: ({ query }) =>
      fail("not-found", "NO_BUILD", `no build with the id ${query.id}: only BuildKit's builds have ids`),
  }),
];

function assertSupported({ version, remote }: BuildQuery): void {
  if (version === "2") {
    fail("not-implemented", "NO_BUILDKIT", "BuildKit is not implemented yet: build with DOCKER_BUILDKIT=0");
  }
  if (version !== "" && version !== "1") fail("invalid", "BUILDER_VERSION", `invalid version ${version}`);
  if (remote === "client-session")
    fail(
      "not-implemented",
      "NO_BUILDKIT",
      "a build context over a session needs BuildKit, which is not implemented yet",
    );
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
