import { fail } from "../base/errors.ts";
import { refuseConflicts } from "../image/rebase-conflicts.ts";
import { lastImageOf, originOf } from "./container-past.ts";
import type { EngineParts } from "./engine-parts.ts";
import { moveRoot, saveState } from "./move-root.ts";
import { whileStopped } from "./while-stopped.ts";
import { holdChains, rebaseRoots, writtenSnapshot } from "./written-layer.ts";

/**
 * Puts all that a container changed since it was made onto a newer image. It keeps its name, settings and volumes; its files
 * until now stay as an image in its reflog.
 * @throws conflict `REBASE_CONFLICT` with the paths that both changed, `CONTAINER_RUNNING`, `NOTHING_TO_DO`; nothing is
 *   changed then.
 */
export async function rebaseContainer(
  parts: EngineParts,
  reference: string,
  options: { readonly base: string; readonly restart: boolean; readonly abort?: AbortSignal },
) {
  const { base, restart, abort } = options;
  parts.images.resolve(base);
  return whileStopped(parts, reference, { restart, attempt: "cannot rebase" }, async (record) => {
    const [origin, target] = [originOf(parts, record), parts.images.resolve(base)];
    if (origin.id === target.id) fail("conflict", "NOTHING_TO_DO", `container ${record.name} is of ${base} already`);
    const place = { earlier: origin.chainId, onto: target.chainId };
    using _held = holdChains(parts, origin.chainId, target.chainId, lastImageOf(parts, record)?.chainId ?? null);
    await refuseConflicts(await rebaseRoots(parts, record, place), base, abort);
    const saved = await saveState(parts, record, "rebase");
    const snapshot = await writtenSnapshot(parts, record, place, abort);
    moveRoot(parts, record, saved, {
      image: target,
      snapshot,
      change: { imageId: target.id, rootImageId: undefined, config: { ...record.config, Image: base } },
      reason: "rebase",
      detail: `onto ${base}`,
    });
    return { Id: target.id, Previous: saved.id };
  });
}
