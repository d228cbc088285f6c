import type { ChainId } from "../../image/digest.ts";
import type { OverlayRoot } from "../../snapshot/root-access.ts";
import type { Job } from "./job.ts";

/**
 * Gives `work` a root on top of the layers and makes a layer of what it writes there. Nothing stays if it fails.
 * @returns the layers with it; as they were if it wrote nothing.
 */
export async function writeLayer(
  { parts, request, signal }: Pick<Job, "parts" | "request" | "signal">,
  parent: ChainId | null,
  owner: string,
  work: (target: OverlayRoot) => Promise<void>,
): Promise<ChainId | null> {
  const { layers, snapshotter } = parts;
  const { epochSeconds } = request;
  const key = snapshotter.prepare(`build ${owner}`, parent);
  let taken = false;
  try {
    await work(snapshotter.root(key, await layers.lower(parent)));
    const layer = await layers.commit(parent, key, {
      keep: false,
      ...(epochSeconds !== null && { newestSeconds: epochSeconds }),
      signal,
    });
    taken = true;
    return layer?.chainId ?? parent;
  } finally {
    if (!taken) snapshotter.remove(key);
  }
}
