import { diffIdsOf, type HistoryEntry, hostArchitecture, type ImageConfig } from "../../image/config.ts";
import { type ChainId, chainIdsOf } from "../../image/digest.ts";
import type { LayerStore } from "../../image/layer-store.ts";
import { createdTime } from "../graph/created-time.ts";
import type { VertexOutcome } from "../graph/solver.ts";
import { platformOf } from "../platform.ts";
import type { HistoryStep, StageState } from "./stage-state.ts";

export interface AssembledImage {
  readonly config: ImageConfig;
  /** null: an image without layers. */
  readonly chainId: ChainId | null;
}

export interface AssembleOptions {
  readonly layers: LayerStore;
  readonly outcomes: ReadonlyMap<string, VertexOutcome>;
  readonly epochSeconds: number | null;
  /** The classic builder's words in the history, and its own times of steps that change no file; null: BuildKit's. */
  readonly classic: { readonly createdOf: (step: number) => string } | null;
}

/**
 * The image that a stage has become. Steps that changed no file carry the time of the last one that did: the same build with
 * everything from the cache is the same image.
 */
export function assembleImage(state: StageState, options: AssembleOptions): AssembledImage {
  const { layers, outcomes, epochSeconds, classic } = options;
  const baseChain = state.base === null ? null : (chainIdsOf(diffIdsOf(state.base)).at(-1) ?? null);
  let chainId = baseChain;
  let created = epochSeconds === null ? (state.base?.created ?? null) : createdTime(epochSeconds);
  const history: HistoryEntry[] = [];
  for (const [number, step] of state.steps.entries()) {
    const outcome = step.vertex && outcomes.get(step.vertex.digest);
    const [result] = outcome?.results ?? [];
    const next = result?.kind === "layers" ? result.chainId : chainId;
    created = (epochSeconds === null ? outcome?.created : null) ?? created ?? createdTime(null);
    history.push({
      created: classic?.createdOf(number) ?? created,
      created_by: createdBy(step, outcome ?? null, classic !== null),
      ...(state.author && { author: state.author }),
      ...(classic === null && { comment: "buildkit.dockerfile.v0" }),
      ...(next === chainId && { empty_layer: true }),
    });
    chainId = next;
  }
  const last = history.at(-1)?.created ?? created ?? createdTime(epochSeconds);
  const platform = platformOf(state.platform);
  const variant = state.base?.variant || platform.variant;
  return {
    chainId,
    config: {
      architecture: state.base?.architecture ?? (state.platform ? platform.architecture : hostArchitecture()),
      os: state.base?.os ?? platform.os,
      ...(variant && { variant }),
      created: last,
      ...(state.author && { author: state.author }),
      config: state.config,
      rootfs: { type: "layers", diff_ids: layers.stack(chainId).map(({ diffId }) => diffId) },
      history: [...(state.base?.history ?? []), ...history],
    },
  };
}

function createdBy(step: HistoryStep, outcome: VertexOutcome | null, isClassic: boolean): string {
  return isClassic ? step.classicCreatedBy(outcome?.copied ?? []) : step.createdBy;
}
