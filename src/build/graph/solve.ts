import { createHash } from "node:crypto";
import { fail, LighterError, messageOf } from "../../base/errors.ts";
import type { ChainId, Digest } from "../../image/digest.ts";
import type { BuildParts } from "../build-parts.ts";
import type { CachedResult } from "./build-cache.ts";
import { reasonOf } from "./cache-reason.ts";
import { createdTime } from "./created-time.ts";
import { execFacts, runExec } from "./exec-vertex.ts";
import { notePlace } from "./failure-place.ts";
import { fileFacts, runFile } from "./file-vertex.ts";
import type { Job, KeyFacts, Work } from "./job.ts";
import { layerFacts, runDiff, runMerge } from "./merge-vertex.ts";
import type { Edge, Vertex } from "./operation.ts";
import { layersResult, type Result, type Solved, type SolveRequest, type VertexOutcome } from "./solver.ts";
import { runSource } from "./source-vertex.ts";
import { digestOfOperation, verticesOf } from "./vertex.ts";
import { VertexReporter } from "./vertex-reporter.ts";

/** Changes when a step means something else than before; old results are then not found. */
const CACHE_VERSION = 1;

/**
 * Carries out what the targets stand on, each vertex once, those that do not need each other side by side, taking from the
 * cache what it has. Processes and copies are bounded by the engine's slots.
 * @throws the first failure, when everything else has been stopped; cancelled after an abort.
 */
export async function solve(parts: BuildParts, request: SolveRequest): Promise<Solved> {
  await using resources = new AsyncDisposableStack();
  const stop = new AbortController();
  const signal = AbortSignal.any([request.abort, stop.signal]);
  const outcomes = new Map<Digest, VertexOutcome>();
  const pending = new Map<Digest, Promise<VertexOutcome>>();
  const hold = (chainId: ChainId) => void resources.use(parts.layers.hold([chainId]));
  const keep = (disposable: AsyncDisposable) => void resources.use(disposable);
  let failure: unknown = null;

  const order = verticesOf(request.targets);
  await VertexReporter.announce(order, request.status);
  for (const vertex of order) {
    // Inputs come before: no recursion, however deep a client's graph is.
    const work = carryOut(vertex).catch((error) => {
      failure ??= { error };
      stop.abort();
      throw error;
    });
    work.catch(() => {}); // Whoever waits for it hears of it, and the failure is kept.
    pending.set(vertex.digest, work);
  }
  await Promise.allSettled(pending.values());
  if (request.abort.aborted) fail("cancelled", "BUILD_CANCELLED", "Build cancelled");
  if (failure !== null) throw Object(failure).error;
  const results = request.targets.map(({ vertex, output }) => resultAt(outcomes.get(vertex.digest), output));
  const kept = resources.move();
  return { results, outcomes, [Symbol.asyncDispose]: () => kept.disposeAsync() };

  async function carryOut(vertex: Vertex): Promise<VertexOutcome> {
    const inputs = await Promise.all(vertex.inputs.map(inputOf));
    const reporter = new VertexReporter(vertex, request.status);
    const job: Job = {
      parts,
      request,
      vertex,
      operation: vertex.operation,
      inputs,
      signal,
      log: (stream, bytes) => reporter.log(stream, bytes),
      report: (counter) => reporter.count(counter),
      hold,
      keep,
    };
    try {
      if (signal.aborted) fail("cancelled", "BUILD_CANCELLED", "Build cancelled");
      const outcome = await outcomeOf(job, reporter);
      outcomes.set(vertex.digest, outcome);
      request.onOutcome?.(vertex.digest, outcome);
      await reporter.completed(outcome.cached);
      return outcome;
    } catch (error) {
      notePlace(error, vertex.description.place);
      await reporter.failed(signal.aborted && !isOwnFailure(error) ? "canceled" : messageOf(error));
      throw error;
    }
  }

  async function inputOf({ vertex, output }: Edge): Promise<Result> {
    return resultAt(await pending.get(vertex.digest), output);
  }
}

function isOwnFailure(error: unknown): boolean {
  return error instanceof LighterError && error.kind !== "cancelled";
}

function resultAt(outcome: VertexOutcome | undefined, output: number): Result {
  return (
    outcome?.results[output] ??
    fail("invalid", "NO_SUCH_OUTPUT", `the build graph asks for output ${output} of a step that has none`)
  );
}

async function outcomeOf(job: Job, reporter: VertexReporter): Promise<VertexOutcome> {
  const { operation } = job;
  switch (operation.kind) {
    case "source": {
      await reporter.started();
      const { result, created } = await runSource({ ...job, operation });
      return { results: [result], cached: false, created, copied: [], keys: [] };
    }
    case "exec":
      return cachedOr(job, reporter, execFacts({ ...job, operation }), () => runExec({ ...job, operation }));
    case "file":
      return cachedOr(job, reporter, fileFacts({ ...job, operation }), () => runFile({ ...job, operation }));
    case "merge":
      return cachedOr(job, reporter, layerFacts(job), () => runMerge(job));
    case "diff":
      return cachedOr(job, reporter, layerFacts(job), () => runDiff({ ...job, operation }));
    default:
      return operation satisfies never;
  }
}

/** The cached outcome, or that of the work, which then is recorded. */
async function cachedOr(
  job: Job,
  reporter: VertexReporter,
  facts: KeyFacts,
  work: () => Promise<Work>,
): Promise<VertexOutcome> {
  const { parts, request, vertex } = job;
  const quickFacts = await facts.quick();
  const quickKey = keyOf(job, quickFacts);
  // Another build may be making the same: then it is waited for, and found.
  return parts.locks.run(quickKey, async () => {
    const ignores = request.noCache || vertex.description.ignoreCache;
    const exactKey = async () => (facts.exact === null ? quickKey : keyOf(job, await facts.exact()));
    const quick = ignores ? null : takeFromCache(job, quickKey, quickKey);
    if (quick) return cachedOutcome(job, quick);
    await reporter.started();
    const exact = await exactKey();
    const found = ignores || exact === quickKey ? null : takeFromCache(job, exact, quickKey);
    if (found) return cachedOutcome(job, found);
    reporter.explain(reasonOf(job, quickFacts, ignores));
    const { outputs, copied = [] } = await work();
    for (const chainId of outputs) if (chainId !== null) job.hold(chainId);
    const created = createdTime(request.epochSeconds);
    const keys = [...new Set([quickKey, exact])];
    parts.cache.record(
      keys,
      { outputs, created, copied },
      { description: vertex.description.name, sizeBytes: ownBytes(job, outputs) },
    );
    return { results: outputs.map(layersResult), cached: false, created, copied, keys };
  });
}

function takeFromCache(job: Job, key: string, quickKey: string): CachedResult | null {
  const found = job.parts.cache.find(key);
  if (!found) return null;
  for (const chainId of found.outputs) if (chainId !== null) job.hold(chainId);
  job.parts.cache.use(found.id, quickKey);
  return found;
}

function cachedOutcome({ parts }: Job, { id, outputs, created, copied }: CachedResult): VertexOutcome {
  return { results: outputs.map(layersResult), cached: true, created, copied, keys: parts.cache.keysOf(id) };
}

function keyOf({ vertex, request }: Job, facts: readonly string[]): string {
  return createHash("sha256")
    .update(JSON.stringify([CACHE_VERSION, digestOfOperation(vertex.operation, facts), request.epochSeconds]))
    .digest("hex");
}

/** Bytes of the outputs' topmost layers, where they are not an input's. */
function ownBytes({ parts, inputs }: Job, outputs: readonly (ChainId | null)[]): number {
  const given = new Set(inputs.map((input) => (input.kind === "layers" ? input.chainId : null)));
  const made = outputs.filter((chainId) => chainId !== null && !given.has(chainId));
  return made.reduce((sum, chainId) => sum + (chainId === null ? 0 : (parts.layers.find(chainId)?.sizeBytes ?? 0)), 0);
}
