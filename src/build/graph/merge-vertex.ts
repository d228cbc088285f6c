import { fail } from "../../base/errors.ts";
import type { ChainId } from "../../image/digest.ts";
import type { Layer } from "../../image/layer-record.ts";
import { identityOf, type Job, type KeyFacts, type Work } from "./job.ts";
import { layersOf } from "./layers-of.ts";
import type { DiffOperation } from "./operation.ts";

export function layerFacts(job: Job): KeyFacts {
  return { quick: async () => job.inputs.map(identityOf), exact: null };
}

/** Stacks the inputs' layers. Nothing is copied: a layer keeps its archive, and is unpacked when something runs on it. */
export async function runMerge(job: Job): Promise<Work> {
  let top: ChainId | null = null;
  for (const input of job.inputs) {
    const chainId = await layersOf(job, input);
    top = top === null ? chainId : stackOn(job, top, job.parts.layers.stack(chainId));
  }
  return { outputs: [top] };
}

/** The layers of the upper tree beyond those of the lower one, which it has to stand on. */
export async function runDiff(job: Job<DiffOperation>): Promise<Work> {
  const { lower, upper } = job.operation;
  const of = (number: number | null) => (number === null ? null : layersOf(job, job.inputs[number]));
  const [lowerId, upperId] = await Promise.all([of(lower), of(upper)]);
  const below = job.parts.layers.stack(lowerId);
  const above = job.parts.layers.stack(upperId);
  if (below.every(({ chainId }, at) => above[at]?.chainId === chainId)) {
    return { outputs: [stackOn(job, null, above.slice(below.length))] };
  }
  return fail("not-implemented", "DIFF_UNRELATED", "a diff needs an upper tree that was made on top of the lower one");
}

function stackOn(job: Job, bottom: ChainId | null, layers: readonly Layer[]): ChainId | null {
  let top = bottom;
  for (const layer of layers) {
    top = job.parts.layers.restack(top, layer).chainId;
    job.hold(top);
  }
  return top;
}
