import { join } from "node:path";
import { Readable } from "node:stream";
import { fail } from "../../base/errors.ts";
import { newId } from "../../base/ids.ts";
import { BuildContext } from "../context/build-context.ts";
import type { Edge } from "../graph/operation.ts";
import type { SolveSources } from "../graph/solver.ts";
import { borrowed } from "../graph/source-files.ts";
import type { StatusSink } from "../graph/status.ts";
import { vertexOf } from "../graph/vertex.ts";
import type { BuiltResult } from "./built-result.ts";
import type { DoorState } from "./door-state.ts";
import { type Exporter, exportResult } from "./export-result.ts";
import { assertDockerfileFrontend, dockerfileSettings, entitlementsOf, type FrontendAttrs } from "./frontend-attrs.ts";
import { Gateway } from "./gateway.ts";
import { LINT_REQUEST, lintAnswer } from "./lint.ts";
import { edgeOf } from "./llb.ts";
import type { Definition } from "./proto/ops_pb.ts";
import { sessionSources } from "./session-sources.ts";
import type { Session } from "./sessions.ts";
import { StatusHub } from "./status-hub.ts";
import { pullUpload, uploadPath } from "./uploads.ts";
import { asVertex } from "./vertex-of-door.ts";

/** A client's request for a build, in one form whatever the client's age. */
export interface BuildRequest {
  readonly ref: string;
  readonly sessionId: string;
  readonly frontend: string;
  readonly attrs: FrontendAttrs;
  readonly definition: Definition | undefined;
  readonly exporters: readonly Exporter[];
  readonly cacheImports: readonly CacheOption[];
  readonly cacheExports: readonly CacheOption[];
  readonly entitlements: readonly string[];
  /** The main context as an archive that comes with the request; null: it is named by the attributes. */
  readonly archive: (() => Promise<Readable>) | null;
}

export interface CacheOption {
  readonly type: string;
  readonly attrs: Readonly<Record<string, string>>;
}

/**
 * Builds and exports what a client asks for. Its progress, and the calls of a client that drives the build itself, come by
 * the build's name for as long as this takes.
 * @returns what the client is told of the outputs. Aborting ends every step and leaves nothing half made.
 */
export async function solveBuild(
  door: DoorState,
  request: BuildRequest,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const status = new StatusHub();
  const session = () => door.sessions.get(request.sessionId, signal);
  const entitlements = entitlementsOf(request.entitlements);
  await using fromSession = sessionSources(session, { directories: door.directories, sockets: door.parts.run });
  await using resources = new AsyncDisposableStack();
  const uploaded = async (attrs: FrontendAttrs): Promise<{ sources: SolveSources; attrs: FrontendAttrs }> => {
    const archive = await archiveOf(request, attrs, session, signal);
    if (!archive) return { sources: fromSession, attrs };
    const directory = join(door.parts.temporary, `upload-${newId()}`);
    const files = resources.use(await BuildContext.receive(archive, directory, signal));
    const { context: _, ...others } = attrs;
    return { sources: { ...fromSession, local: async () => borrowed(files) }, attrs: others };
  };
  const context = { status: status.publish, abort: signal, entitlements };
  const solveOne = async (frontend: string, asked: FrontendAttrs, definition: Definition | undefined) => {
    if (frontend === "") return solveGraph(door, definition, { ...context, sources: fromSession });
    const { sources, attrs } = await uploaded(asked);
    return solveDockerfile(door, frontend, attrs, { ...context, sources });
  };

  const clientDrives = request.frontend === "" && (request.definition?.def.length ?? 0) === 0;
  await using gateway = clientDrives
    ? new Gateway(
        ({ Frontend, FrontendOpt, Definition }) => solveOne(Frontend, FrontendOpt, Definition),
        status.publish,
      )
    : null;
  using _running = door.builds.begin({ ref: request.ref, status, gateway });
  await sayWhatIsMissing(request, status.publish);
  await using result = gateway
    ? returned(await gateway.result(signal))
    : await solveOne(request.frontend, request.attrs, request.definition);
  if (!result || result.answer) return result?.answer ? { ...result.answer } : {};
  const told: Record<string, string> = {};
  for (const exporter of request.exporters) {
    Object.assign(
      told,
      await exportResult(door.parts, exporter, {
        result,
        session,
        sources: fromSession,
        status: status.publish,
        signal,
      }),
    );
  }
  return told;
}

/** The main context where it is an archive of the client's; null where it is not. */
async function archiveOf(
  request: BuildRequest,
  attrs: FrontendAttrs,
  session: () => Promise<Session>,
  signal: AbortSignal,
): Promise<Readable | null> {
  if (request.archive) return request.archive();
  const path = uploadPath(attrs.context ?? "");
  return path === null ? null : Readable.from(pullUpload(await session(), path, signal));
}

interface SolveContext {
  readonly sources: SolveSources;
  readonly status: StatusSink;
  readonly abort: AbortSignal;
  readonly entitlements: ReturnType<typeof entitlementsOf>;
}

async function solveDockerfile(
  { parts }: DoorState,
  frontend: string,
  attrs: FrontendAttrs,
  context: SolveContext,
): Promise<BuiltResult> {
  assertDockerfileFrontend(frontend, attrs);
  const request = { ...dockerfileSettings(attrs), ...context };
  if (attrs.requestid !== LINT_REQUEST) {
    return { ...(await parts.buildDockerfile(request)), epochSeconds: epochOf(attrs) };
  }
  const answer = lintAnswer(await parts.checkDockerfile(request));
  return { config: null, chainId: null, answer, [Symbol.asyncDispose]: async () => {} };
}

async function solveGraph(
  { parts }: DoorState,
  definition: Definition | undefined,
  context: SolveContext,
): Promise<BuiltResult | null> {
  const edge = definition ? edgeOf(definition) : null;
  if (edge === null) return null;
  const { limits } = dockerfileSettings({});
  const solved = await parts.solve({
    ...context,
    targets: [asLayers(edge)],
    limits,
    noCache: false,
    epochSeconds: null,
  });
  const [result] = solved.results;
  if (result?.kind !== "layers") fail("internal", "LLB_RESULT", "the build graph came to no layers");
  return { config: null, chainId: result.chainId, [Symbol.asyncDispose]: () => solved[Symbol.asyncDispose]() };
}

/** Files of a source become layers by being copied; all else is layers already. */
function asLayers(edge: Edge): Edge {
  const { operation } = edge.vertex;
  if (operation.kind !== "source" || operation.source.type === "image") return edge;
  const change = {
    type: "copy",
    source: "/",
    destination: "/",
    owner: null,
    mode: null,
    followSymlink: false,
    directoryContents: true,
    attemptUnpack: false,
    createDestinationPath: true,
    allowWildcard: false,
    allowEmptyWildcard: false,
    include: [],
    exclude: [],
    parents: false,
    replaceDestination: false,
  } as const;
  const actions = [{ input: -1, secondaryInput: 0, output: 0, change }];
  return { vertex: vertexOf({ kind: "file", actions }, [edge], { name: "copy files" }), output: 0 };
}

/** The client's result lives as long as its gateway; only its document is the client's to change. */
function returned({ result, config }: Awaited<ReturnType<Gateway["result"]>>): BuiltResult | null {
  return result && { ...result, config, [Symbol.asyncDispose]: async () => {} };
}

/** A cache that cannot be read is no reason to fail, but is said; one that was to be written is. */
async function sayWhatIsMissing({ cacheImports, cacheExports }: BuildRequest, status: StatusSink): Promise<void> {
  for (const { type } of cacheExports) {
    if (type !== "inline") fail("not-implemented", "CACHE_EXPORT", `exporting the cache as ${type} is not supported`);
  }
  const missing = [
    ...cacheImports.map(({ type, attrs }) => `importing cache manifest from ${attrs.ref ?? type}`),
    ...cacheExports.map(() => "preparing build cache for inline export"),
  ];
  for (const name of missing) {
    await asVertex(status, name, () => fail("not-implemented", "CACHE", "not supported")).catch(() => {});
  }
}

function epochOf(attrs: FrontendAttrs): number | null {
  const text = attrs["build-arg:SOURCE_DATE_EPOCH"];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}
