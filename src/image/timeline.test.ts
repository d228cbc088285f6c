import { describe, expect, test } from "bun:test";
import { type ChainId, chainIdsOf, type Digest, digestOf } from "./digest.ts";
import type { ReflogReason } from "./reflog.ts";
import { timelineOf } from "./timeline.ts";

/** `abc`: layers a, b and c. */
function chainOf(layers: string): ChainId[] {
  return chainIdsOf([...layers].map(digestOf));
}

function imageId(layers: string): Digest {
  return digestOf(`image ${layers}`);
}

/** The line's layers from the lowest, the current one in brackets. */
function drawn(...entries: [ReflogReason, string][]): string {
  const { places, now } = timelineOf(
    entries.map(([reason, layers]) => ({ reason, moment: { imageId: imageId(layers), chain: chainOf(layers) } })),
  );
  const all = new Map(entries.flatMap(([, layers]) => chainOf(layers).map((id, at) => [id, layers.slice(0, at + 1)])));
  return places.map(({ top }, at) => (at === now ? `[${all.get(top)}]` : all.get(top))).join(" ");
}

describe("a container's timeline", () => {
  test.each<[string, [ReflogReason, string][], string]>([
    ["begins with its image's layers", [["create", "ab"]], "a [ab]"],
    [
      "goes on with commits",
      [
        ["create", "a"],
        ["commit", "ab"],
        ["commit", "abc"],
      ],
      "a ab [abc]",
    ],
    [
      "has commits that do not stand on each other",
      [
        ["create", "a"],
        ["commit", "ab"],
        ["commit", "ac"],
      ],
      "a ab [ac]",
    ],
    [
      "is walked back",
      [
        ["create", "a"],
        ["commit", "ab"],
        ["commit", "ac"],
        ["rollback", "a"],
      ],
      "[a] ab ac",
    ],
    [
      "is walked forward",
      [
        ["create", "a"],
        ["commit", "ab"],
        ["rollback", "a"],
        ["rollback", "ab"],
      ],
      "a [ab]",
    ],
    [
      "is cut by a commit",
      [
        ["create", "a"],
        ["commit", "ab"],
        ["rollback", "a"],
        ["commit", "ac"],
      ],
      "a [ac]",
    ],
    [
      "has places that were no commit",
      [
        ["create", "abc"],
        ["rollback", "ab"],
      ],
      "a [ab] abc",
    ],
    [
      "has a place for a commit that is gone",
      [
        ["create", "a"],
        ["commit", "abc"],
        ["rollback", "ab"],
      ],
      "a [ab] abc",
    ],
    [
      "leaves out what was saved",
      [
        ["create", "a"],
        ["save", "ax"],
        ["rollback", "a"],
        ["commit", "ab"],
      ],
      "a [ab]",
    ],
    [
      "can go to what was saved",
      [
        ["create", "a"],
        ["save", "ax"],
        ["rollback", "a"],
        ["rollback", "ax"],
      ],
      "a [ax]",
    ],
    [
      "begins anew with a rebase",
      [
        ["create", "a"],
        ["commit", "ab"],
        ["rebase", "xy"],
      ],
      "x [xy]",
    ],
    ["is empty for a container without layers", [["create", ""]], ""],
    [
      "does not count a commit of nothing",
      [
        ["create", "a"],
        ["commit", "ab"],
        ["commit", "ab"],
      ],
      "a [ab]",
    ],
  ])("%s", (_, entries, line) => {
    expect(drawn(...entries)).toBe(line);
  });
});
