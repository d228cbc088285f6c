import { fail } from "../base/errors.ts";
import type { BuildParts } from "./build-parts.ts";
import type { BuiltImage, DockerfileRequest } from "./dockerfile-request.ts";
import { assembleImage } from "./frontend/assemble-image.ts";
import { checkDockerfile, failsOnFindings, ruleUrl } from "./frontend/checks.ts";
import { type CompiledDockerfile, compileDockerfile } from "./frontend/compile-dockerfile.ts";
import { contextEdge } from "./frontend/context-edge.ts";
import { externalRoots, namedContext } from "./frontend/external-roots.ts";
import { importCaches, withInlineCache } from "./frontend/inline-cache.ts";
import { type OpenDockerfile, openDockerfile } from "./frontend/open-dockerfile.ts";
import { noteText } from "./graph/failure-place.ts";
import type { Edge } from "./graph/operation.ts";
import { solve } from "./graph/solve.ts";
import type { Solved, SolveRequest } from "./graph/solver.ts";

/** A Dockerfile that was compiled, but of which nothing has been carried out. Its base images stay until it is disposed of. */
export interface PreparedBuild extends AsyncDisposable {
  readonly compiled: CompiledDockerfile;
  readonly epochSeconds: number | null;
  /** Carries out what these edges stand on. */
  readonly solve: (targets: readonly Edge[], options?: Pick<SolveRequest, "onOutcome">) => Promise<Solved>;
}

/**
 * Builds an image from a Dockerfile: reads it, compiles it to a graph, solves that and puts the image together. It is stored
 * by whoever wants it stored.
 * @throws invalid and not-found with file, line and caret for what the Dockerfile has wrong; the first failure of a step.
 */
export async function buildDockerfile(parts: BuildParts, request: DockerfileRequest): Promise<BuiltImage> {
  await using resources = new AsyncDisposableStack();
  const opened = resources.use(await openDockerfile(parts, request));
  const build = resources.use(await prepareDockerfile(parts, opened));
  const { end } = build.compiled.target;
  const solving = build.solve(end.root === null ? [] : [end.root]);
  const solved = resources.use(
    await solving.catch((error: unknown) => {
      noteText(error, opened.source.text);
      throw error;
    }),
  );
  const image = assembleImage(end, {
    layers: parts.layers,
    outcomes: solved.outcomes,
    epochSeconds: build.epochSeconds,
    classic: null,
  });
  const { config: plain } = image;
  const isInline = request.inlineCache || request.buildArgs.get("BUILDKIT_INLINE_CACHE") === "1";
  const config = isInline ? withInlineCache(plain, end, solved.outcomes, parts.layers) : plain;
  const kept = resources.move();
  return { ...image, config, base: end.base, solved, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Compiles, looking up (and fetching, where they are missing) the images that it names. */
export async function prepareDockerfile(
  parts: BuildParts,
  { request, source, dockerfile, ignore, vertex }: OpenDockerfile,
): Promise<PreparedBuild> {
  using resources = new DisposableStack();
  await importCaches(parts, request);
  const context = contextEdge({ local: "context", exclude: ignore });
  const compiled = await compileDockerfile(dockerfile, source, request, {
    context: () => context,
    find: externalRoots(parts, request, (held) => void resources.use(held)),
    overrides: (name) => namedContext(request, name) !== null,
  });
  const findings = request.isClassic ? [] : checkDockerfile(dockerfile, compiled.stages, ignore);
  await request.status({
    warnings: findings.map(({ rule, message, place }) => ({
      vertex,
      level: 1,
      short: `${rule}: ${message} (line ${place.firstLine})`,
      detail: [],
      url: ruleUrl(rule),
      file: source.name,
      ...place,
    })),
  });
  if (findings.length > 0 && failsOnFindings(dockerfile)) {
    const rules = [...new Set(findings.map(({ rule }) => rule))].join(", ");
    fail("invalid", "CHECK_FAILED", `lint violation found for rules: ${rules}`);
  }
  const epochSeconds = epochOf(request.buildArgs);
  const kept = resources.move();
  return {
    compiled,
    epochSeconds,
    solve: (targets, options) =>
      solve(parts, { ...request, ...options, targets, noCache: request.noCache === "all", epochSeconds }),
    [Symbol.asyncDispose]: async () => kept.dispose(),
  };
}

/** SOURCE_DATE_EPOCH, in seconds (reproducible-builds.org). @throws invalid for what is no number. */
function epochOf(buildArgs: DockerfileRequest["buildArgs"]): number | null {
  const text = buildArgs.get("SOURCE_DATE_EPOCH");
  if (!text) return null;
  return /^\d{1,11}$/.test(text)
    ? Number(text)
    : fail("invalid", "SOURCE_DATE_EPOCH", `invalid SOURCE_DATE_EPOCH: ${text} (expected seconds since 1970)`);
}
