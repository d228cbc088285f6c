import { z } from "zod";
import { messageOf } from "../../base/errors.ts";
import { diffIdsOf, type ImageConfig } from "../../image/config.ts";
import { chainIdsOf } from "../../image/digest.ts";
import type { LayerStore } from "../../image/layer-store.ts";
import type { BuildParts } from "../build-parts.ts";
import type { DockerfileRequest } from "../dockerfile-request.ts";
import type { VertexOutcome } from "../graph/solver.ts";
import { imageOf } from "../graph/source-vertex.ts";
import { vertexOf } from "../graph/vertex.ts";
import { VertexReporter } from "../graph/vertex-reporter.ts";
import type { StageState } from "./stage-state.ts";

/** Where an image's document says of its layers which steps they are the results of. */
const FIELD = "dev.lighter.build-cache";

const CacheSchema = z.array(
  z.object({
    keys: z.array(z.string().regex(/^[0-9a-f]{64}$/)),
    /** How many of the image's layers are the step's root. */
    layers: z.int().min(0),
    created: z.string(),
    copied: z.array(z.string()),
  }),
);

/** `--cache-to type=inline`: an image's document with the cache of its own steps in it. They are digests and times alone. */
export function withInlineCache(
  config: ImageConfig,
  { steps }: StageState,
  outcomes: ReadonlyMap<string, VertexOutcome>,
  layers: LayerStore,
): ImageConfig {
  const cache: z.infer<typeof CacheSchema> = steps.flatMap(({ vertex }) => {
    const outcome = vertex && outcomes.get(vertex.digest);
    const [result] = outcome?.results ?? [];
    if (!outcome || result?.kind !== "layers" || outcome.keys.length === 0) return [];
    const { keys, created, copied } = outcome;
    return [{ keys: [...keys], layers: layers.stack(result.chainId).length, created, copied: [...copied] }];
  });
  return { ...config, [FIELD]: cache };
}

/**
 * `--cache-from`: takes up what images say of their steps, fetching those that are not here. One that cannot be had, or says
 * nothing, is told in progress and no reason to fail.
 */
export async function importCaches(parts: BuildParts, request: DockerfileRequest): Promise<void> {
  for (const reference of request.cacheFrom ?? []) {
    const vertex = vertexOf({ kind: "merge" }, [], { name: `importing cache manifest from ${reference}` });
    const reporter = new VertexReporter(vertex, request.status);
    await reporter.started();
    try {
      const source = { type: "image", reference, platform: request.platform, resolve: "default" } as const;
      const context = { sources: request.sources, report: reporter.count, signal: request.abort };
      importCache(parts, (await imageOf(parts, source, context)).config);
      await reporter.completed(false);
    } catch (error) {
      if (request.abort.aborted) throw error;
      await reporter.failed(messageOf(error));
    }
  }
}

function importCache({ cache, store }: BuildParts, config: ImageConfig): void {
  const parsed = CacheSchema.safeParse(config[FIELD] ?? []);
  if (!parsed.success) return;
  const chain = chainIdsOf(diffIdsOf(config));
  store.transaction(() => {
    for (const { keys, layers, created, copied } of parsed.data) {
      const chainId = layers === 0 ? null : chain[layers - 1];
      const unknown = keys.filter((key) => cache.find(key) === null);
      if (chainId === undefined || unknown.length === 0) continue;
      const facts = { description: "imported", sizeBytes: 0 };
      cache.record(unknown, { outputs: [chainId], created, copied }, facts);
    }
  });
}
