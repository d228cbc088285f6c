import type { ChainId, Digest } from "./digest.ts";
import type { ReflogReason } from "./reflog.ts";

/** A state that a container was in. */
export interface Moment {
  readonly imageId: Digest;
  /** The image's layers, lowest first. */
  readonly chain: readonly ChainId[];
}

/** A layer that a container can stand on, as part of the image that had it. */
export interface TimelinePlace {
  readonly imageId: Digest;
  readonly top: ChainId;
}

/**
 * The line that rollbacks walk, as an editor's undo and redo: what a container was made from, then its commits. Going back
 * moves on it, a new commit cuts off what lies ahead, a rebase begins it anew. What rollbacks saved is not on it.
 */
export interface Timeline {
  /** Each layer of the way, lowest first. */
  readonly places: readonly TimelinePlace[];
  /** Where the container is. */
  readonly now: number;
}

/** @param entries the container's reflog, oldest first; those whose image is gone left out. */
export function timelineOf(entries: readonly { readonly reason: ReflogReason; readonly moment: Moment }[]): Timeline {
  let moments: readonly Moment[] = [];
  let now = -1;
  for (const { reason, moment } of entries) {
    if (reason === "save") continue;
    const known = reason === "rollback" ? placeFor(moments, moment) : null;
    if (known) moments = known.moments;
    else moments = reason === "rebase" ? [moment] : [...moments.slice(0, now + 1), moment];
    now = known ? known.at : moments.length - 1;
  }
  return { places: moments.flatMap(placesOf), now: moments.slice(0, now + 1).flatMap(placesOf).length - 1 };
}

/** Where a moment lies on the line: it is there already, or between two because a layer was chosen that was no commit. */
function placeFor(moments: readonly Moment[], moment: Moment): { moments: readonly Moment[]; at: number } | null {
  const known = moments.findLastIndex(({ imageId }) => imageId === moment.imageId);
  if (known >= 0) return { moments, at: known };
  const above = moments.findIndex(({ chain }) => chain.length > moment.chain.length && standsOn(chain, moment.chain));
  return above < 0 ? null : { moments: moments.toSpliced(above, 0, moment), at: above };
}

/**
 * The layers that a moment adds to the one before. Commits that are each one layer on the image, as Docker makes them, do not
 * stand on each other: each is one place.
 */
function placesOf({ imageId, chain }: Moment, index: number, moments: readonly Moment[]): TimelinePlace[] {
  const before = moments[index - 1];
  const added =
    before === undefined || standsOn(chain, before.chain) ? chain.slice(before?.chain.length ?? 0) : chain.slice(-1);
  return added.map((top) => ({ imageId, top }));
}

function standsOn(chain: readonly ChainId[], lower: readonly ChainId[]): boolean {
  // A chain id says all that is below it.
  return lower.length === 0 || chain[lower.length - 1] === lower.at(-1);
}
