import { release } from "node:os";
import { type Duplex, duplexPair, Readable } from "node:stream";
import { fail } from "../../base/errors.ts";
import { VERSION } from "../../base/version.ts";
import { bidiStream, type GrpcRoute, serverStream, unary } from "../../grpc/server.ts";
import { hostArchitecture } from "../../image/config.ts";
import { matching, pruneOptions, usageRecord } from "./cache-records.ts";
import type { DoorState } from "./door-state.ts";
import { type CacheOptions, Control, type PruneRequest, type SolveRequest } from "./proto/control_pb.ts";
import { Health, HealthCheckResponse_ServingStatus as ServingStatus } from "./proto/health_pb.ts";
import { type BuildRequest, type CacheOption, solveBuild } from "./solve-build.ts";

/** Version of BuildKit whose protocol this is: clients look at it before they ask for something newer. */
const BUILDKIT_VERSION = "v0.13.2";

/** moby.buildkit.v1.Control: what clients ask of a builder. */
export function controlRoutes(door: DoorState): readonly GrpcRoute[] {
  const { method } = Control;
  return [
    unary(method.solve, async (request, { signal }) => ({
      ExporterResponse: await solveBuild(door, buildRequest(request), signal),
    })),
    serverStream(method.status, async function* ({ Ref }, { signal }) {
      const { status } = await door.builds.get(Ref, signal);
      yield* status.read(signal);
    }),
    bidiStream(method.session, (messages, { metadata, signal }) => {
      const { toService, replies } = connectionOver(messages, signal);
      const header = (name: string) => String(metadata[`x-docker-expose-session-${name}`] ?? "");
      const offer = {
        id: header("uuid"),
        sharedKey: header("sharedkey"),
        methods: header("grpc-method").split(", "),
      };
      door.sessions.assertFree(offer.id);
      void door.sessions.serve(toService, offer);
      return replies;
    }),
    unary(method.listWorkers, () => ({ record: [WORKER()] })),
    unary(method.info, () => ({ buildkitVersion: VERSION_RECORD })),
    unary(method.diskUsage, async ({ filter }) => ({
      record: matching(filter, await door.parts.listCache()).map(usageRecord),
    })),
    serverStream(method.prune, (request) => prune(door, request)),
    // Builds are not remembered: a client that listens for those under way, or looks for an old one, is told of none.
    serverStream(method.listenBuildHistory, ({ EarlyExit }, { signal }) => noRecords(EarlyExit, signal)),
    unary(method.updateBuildHistory, ({ Ref, Finalize }) => {
      if (Finalize) return {};
      return fail("not-found", "NO_BUILD_RECORD", `no record of build ${Ref}: builds are not remembered`);
    }),
    unary(Health.method.check, () => ({ status: ServingStatus.SERVING })),
  ];
}

/** Says what went, one record each. */
async function* prune({ parts, directories }: DoorState, request: PruneRequest) {
  const documents = await parts.listCache();
  const { ids } = await parts.pruneCache(pruneOptions(request, documents));
  if (request.all) await directories.prune();
  const gone = new Set(ids);
  yield* documents.filter(({ ID }) => gone.has(ID)).map(usageRecord);
}

async function* noRecords(ends: boolean, signal: AbortSignal): AsyncGenerator<never> {
  if (!ends) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  yield* [];
}

const VERSION_RECORD = { package: "lighter", version: BUILDKIT_VERSION, revision: VERSION };

/** The one machine that builds. */
export function WORKER() {
  return {
    ID: "lighter",
    Labels: {
      "org.mobyproject.buildkit.worker.executor": "lighter",
      // buildx leaves archives of images and pushing to builders that have this, whatever its value.
      "org.mobyproject.buildkit.worker.snapshotter": "overlayfs",
      "org.mobyproject.buildkit.worker.hostname": release(),
    },
    platforms: [{ Architecture: hostArchitecture(), OS: "linux" }],
    BuildkitVersion: VERSION_RECORD,
  };
}

/** @throws not-implemented for what would silently be missing from the result */
function buildRequest(request: SolveRequest): BuildRequest {
  if (request.SourcePolicy?.rules.length || request.SourcePolicySession !== "") {
    fail("not-implemented", "SOURCE_POLICY", "source policies are not supported");
  }
  if (Object.keys(request.FrontendInputs).length > 0) {
    fail(
      "not-implemented",
      "FRONTEND_INPUTS",
      "a frontend's inputs are not supported: name contexts by URL or directory",
    );
  }
  const asked = request.Exporters.map(({ Type, Attrs }) => ({ type: Type, attrs: Attrs }));
  const old = { type: request.ExporterDeprecated, attrs: request.ExporterAttrsDeprecated };
  const exporters = asked.length > 0 || old.type === "" ? asked : [old];
  return {
    ref: request.Ref,
    sessionId: request.Session,
    frontend: request.Frontend,
    attrs: request.FrontendAttrs,
    definition: request.Definition,
    exporters: exporters.map((exporter, number) => ({ ...exporter, number })),
    ...cacheOptions(request.Cache),
    entitlements: request.Entitlements,
    archive: null,
  };
}

/** Old clients have fields of their own for a registry's cache. */
function cacheOptions(cache: CacheOptions | undefined): {
  readonly cacheImports: readonly CacheOption[];
  readonly cacheExports: readonly CacheOption[];
} {
  const registry = (ref: string): CacheOption => ({ type: "registry", attrs: { ref } });
  const option = ({ Type, Attrs }: { Type: string; Attrs: Record<string, string> }) => ({ type: Type, attrs: Attrs });
  return {
    cacheImports: [...(cache?.ImportRefsDeprecated ?? []).map(registry), ...(cache?.Imports ?? []).map(option)],
    cacheExports: [
      ...(cache?.ExportRefDeprecated ? [registry(cache.ExportRefDeprecated)] : []),
      ...(cache?.Exports ?? []).map(option),
    ],
  };
}

/** A connection whose bytes travel in messages of a call. */
function connectionOver(
  messages: AsyncIterable<{ readonly data: Uint8Array }>,
  signal: AbortSignal,
): { readonly toService: Duplex; readonly replies: AsyncIterable<{ data: Uint8Array }> } {
  const [toService, ours] = duplexPair();
  let hasEnded = false;
  const end = () => {
    hasEnded = true;
    toService.destroy();
    ours.destroy();
  };
  signal.addEventListener("abort", end, { once: true });
  for (const side of [toService, ours]) side.on("error", end).on("close", end);
  const incoming = async function* () {
    for await (const { data } of messages) yield data;
  };
  // The client ends its half when it is done, and waits for ours to end.
  Readable.from(incoming(), { objectMode: false }).on("error", end).on("end", end).pipe(ours, { end: false });
  const replies = async function* () {
    try {
      for await (const data of ours.iterator({ destroyOnReturn: false })) yield { data };
    } catch (error) {
      if (!hasEnded) throw error;
    }
  };
  return { toService, replies: replies() };
}
