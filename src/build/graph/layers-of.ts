import { newId } from "../../base/ids.ts";
import type { ChainId } from "../../image/digest.ts";
import { copyTree } from "../../snapshot/archive.ts";
import type { Job } from "./job.ts";
import type { Result } from "./solver.ts";
import { writeLayer } from "./write-layer.ts";

/** A result as layers: files become one, root's, where something stands on them. */
export async function layersOf(
  job: Pick<Job, "parts" | "request" | "signal" | "hold">,
  result: Result | undefined,
): Promise<ChainId | null> {
  if (!result) return null;
  if (result.kind === "layers") return result.chainId;
  const { files } = result;
  const chainId = await writeLayer(job, null, newId(), async (target) => {
    const source = await files.unpack([files.tree.root], job.signal);
    const options = { owner: "0:0", mode: null, signal: job.signal };
    await copyTree(source, target, [{ from: "/", to: "/" }], options);
  });
  if (chainId !== null) job.hold(chainId);
  return chainId;
}
