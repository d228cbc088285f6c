import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { hexOf } from "../../src/image/digest.ts";
import { historyOf } from "../../src/image/history.ts";
import type { Image } from "../../src/image/image-store.ts";
import { parseReference } from "../../src/image/reference.ts";
import { type ImageUser, removeImage } from "../../src/image/remove-image.ts";
import { openTestParts, type TestParts } from "../registry/engine-parts.ts";
import { layeredImage } from "./layered-image.ts";

const short = (image: Image) => image.id.slice("sha256:".length, "sha256:".length + 12);
const CONTAINER = "c".repeat(64);

function remove(
  parts: TestParts,
  text: string,
  options: { force?: boolean; prune?: boolean; users?: Readonly<Record<string, ImageUser>> } = {},
) {
  const usersOf = (id: string) => {
    const user = options.users?.[id];
    return user ? [user] : [];
  };
  const { force = false, prune = true } = options;
  return removeImage(parts.images, text, { force, prune, usersOf }).map((line) => Object.entries(line)[0]?.join(" "));
}

function blobCount(parts: TestParts): number {
  return readdirSync(join(parts.paths.root, "content/blobs/sha256")).length;
}

function snapshotCount(parts: TestParts): number {
  return readdirSync(join(parts.paths.root, "snapshots")).length;
}

describe("an image is found", () => {
  test("by name, id and the beginning of an id; a name wins over an id", async () => {
    await using parts = openTestParts();
    const image = await layeredImage(parts, [[{ name: "a" }]], { tags: ["app", "app:v1", "host:5000/app"] });
    const hex = image.id.slice("sha256:".length);
    const names = ["app", "app:latest", "docker.io/library/app:v1", "host:5000/app", image.id, hex, hex.slice(0, 4)];
    for (const name of [...names, `sha256:${hex.slice(0, 12)}`, `app@${image.manifestDigest}`]) {
      expect(parts.images.resolve(name).id).toBe(image.id);
    }
    const other = await layeredImage(parts, [[{ name: "b" }]], { tags: [hex.slice(0, 12)] });
    expect(parts.images.resolve(hex.slice(0, 12)).id).toBe(other.id);
    expect(parts.images.resolve(hex.slice(0, 13)).id).toBe(image.id);
  });

  test.each([
    ["missing", "No such image: missing:latest"],
    ["missing:v1", "No such image: missing:v1"],
    ["sha256:00", "No such image: sha256:00"],
    ["0".repeat(64), `No such image: ${"0".repeat(64)}`],
  ])("or is said not to be: %s", async (name, message) => {
    await using parts = openTestParts();
    expect(() => parts.images.resolve(name)).toThrow(message);
  });
});

describe("removing an image", () => {
  test("takes its names and the layers that nobody shares", async () => {
    await using parts = openTestParts();
    const base = await layeredImage(parts, [[{ name: "base" }]], { tags: ["base"] });
    const blobs = blobCount(parts);
    const shared = await layeredImage(parts, [[{ name: "a" }], [{ name: "b" }]], {
      tags: ["app:1", "app:2"],
      parent: base,
    });
    const [low, middle, top] = parts.layers.stack(shared.chainId);
    expect(remove(parts, "app:1")).toEqual(["Untagged app:1"]);
    expect(remove(parts, "app:2")).toEqual([
      "Untagged app:2",
      `Deleted ${shared.id}`,
      `Deleted ${top?.chainId}`,
      `Deleted ${middle?.chainId}`,
    ]);
    expect(blobCount(parts)).toBe(blobs);
    expect(snapshotCount(parts)).toBe(1);
    expect(remove(parts, base.id)).toEqual(["Untagged base:latest", `Deleted ${base.id}`, `Deleted ${low?.chainId}`]);
    expect([blobCount(parts), snapshotCount(parts)]).toEqual([0, 0]);
  });

  test("takes nameless parents along, but only when asked to prune", async () => {
    await using parts = openTestParts();
    const one = await layeredImage(parts, [[{ name: "one" }]]);
    const two = await layeredImage(parts, [[{ name: "two" }]], { parent: one });
    const three = await layeredImage(parts, [[{ name: "three" }]], { parent: two, tags: ["built"] });
    const gone = () => [one, two, three].map(({ id }) => parts.images.get(id) === null);
    remove(parts, "built", { prune: false });
    expect(gone()).toEqual([false, false, true]);
    const again = await layeredImage(parts, [[{ name: "four" }]], { parent: two, tags: ["built"] });
    const used = { [one.id]: { id: CONTAINER, running: false } };
    remove(parts, again.id, { users: used });
    expect(gone()).toEqual([false, true, true]);
  });

  test("refuses in Docker's words what is needed", async () => {
    await using parts = openTestParts();
    const parent = await layeredImage(parts, [[{ name: "p" }]], { tags: ["parent"] });
    const child = await layeredImage(parts, [[{ name: "c" }]], { tags: ["child"], parent });
    const running = { [child.id]: { id: CONTAINER, running: true } };
    const stopped = { [child.id]: { id: CONTAINER, running: false } };
    const unable = (image: Image) => `conflict: unable to delete ${short(image)}`;
    expect(() => remove(parts, parent.id, { force: true })).toThrow(
      `${unable(parent)} (cannot be forced) - image has dependent child images`,
    );
    expect(() => remove(parts, "child", { users: stopped })).toThrow(
      `conflict: unable to remove repository reference "child" (must force) - container cccccccccccc is using its referenced image ${short(child)}`,
    );
    expect(() => remove(parts, child.id, { users: stopped })).toThrow(
      `${unable(child)} (must be forced) - image is being used by stopped container cccccccccccc`,
    );
    expect(() => remove(parts, child.id, { users: running, force: true })).toThrow(
      `${unable(child)} (cannot be forced) - image is being used by running container cccccccccccc`,
    );
    parts.images.tag(child.id, parseReference("elsewhere/child"));
    expect(() => remove(parts, child.id)).toThrow(
      `${unable(child)} (must be forced) - image is referenced in multiple repositories`,
    );
    expect(parts.images.tagsOf(child.id).length).toBe(2);
    expect(remove(parts, child.id, { force: true }).slice(0, 3)).toEqual([
      "Untagged elsewhere/child:latest",
      "Untagged child:latest",
      `Deleted ${child.id}`,
    ]);
  });

  test("only takes the last name of an image that others need", async () => {
    await using parts = openTestParts();
    const parent = await layeredImage(parts, [[{ name: "p" }]], { tags: ["parent"] });
    const child = await layeredImage(parts, [[{ name: "c" }]], { tags: ["child"], parent });
    const users = { [child.id]: { id: CONTAINER, running: true } };
    expect(remove(parts, "parent")).toEqual(["Untagged parent:latest"]);
    expect(remove(parts, "child", { users, force: true })).toEqual(["Untagged child:latest"]);
    expect([parent, child].map(({ id }) => parts.images.get(id)?.id)).toEqual([parent.id, child.id]);
  });

  test("leaves the layers that a container still stands on until that is gone", async () => {
    await using parts = openTestParts();
    const image = await layeredImage(parts, [[{ name: "a" }]], { tags: ["app"] });
    const key = parts.snapshotter.prepare("container", image.chainId);
    const users = { [image.id]: { id: CONTAINER, running: false } };
    expect(remove(parts, "app", { force: true, users })).toEqual(["Untagged app:latest", `Deleted ${image.id}`]);
    expect(await parts.layers.lower(image.chainId)).toHaveLength(1);
    parts.snapshotter.remove(key);
    parts.images.sweep();
    expect([blobCount(parts), snapshotCount(parts)]).toEqual([0, 0]);
  });

  test("keeps a blob that another layer shares", async () => {
    await using parts = openTestParts();
    const same = [{ name: "same", content: "same" }];
    await layeredImage(parts, [same], { tags: ["one"] });
    const two = await layeredImage(parts, [[{ name: "other" }], same], { tags: ["two"] });
    remove(parts, "one");
    const [, upper] = parts.layers.stack(two.chainId);
    const blobs = readdirSync(join(parts.paths.root, "content/blobs/sha256"));
    expect(upper && blobs.includes(hexOf(upper.blob.digest))).toBe(true);
    expect(await parts.layers.lower(two.chainId)).toHaveLength(2);
  });
});

test("a name moves from one image to another", async () => {
  await using parts = openTestParts();
  const one = await layeredImage(parts, [[{ name: "1" }]], { tags: ["app"] });
  const two = await layeredImage(parts, [[{ name: "2" }]], { tags: ["app"] });
  expect(parts.images.tagsOf(one.id)).toEqual([]);
  expect(parts.images.resolve("app").id).toBe(two.id);
});

test("history tells each step, newest first, with the ids that are known here", async () => {
  await using parts = openTestParts();
  const parent = await layeredImage(parts, [[{ name: "p" }]], { tags: ["parent:1"] });
  const child = await layeredImage(parts, [[{ name: "c", content: "x".repeat(600) }]], { parent });
  const lone = await layeredImage(parts, [[{ name: "p" }], [{ name: "z" }]], { cmd: "lone" });
  const created = Date.parse("2026-01-01T00:00:00Z") / 1000;
  const step = { Created: created, Comment: "" };
  expect(historyOf(parts.images, parts.layers, child)).toEqual([
    { ...step, Id: child.id, CreatedBy: "layer 2", Size: 600, Tags: null },
    { ...step, Id: parent.id, CreatedBy: "layer 1", Size: 0, Tags: ["parent:1"] },
  ]);
  expect(historyOf(parts.images, parts.layers, lone).map(({ Id }) => Id)).toEqual([lone.id, "<missing>"]);
});

test("the filter ancestor knows what was built on an image's layers", async () => {
  await using parts = openTestParts();
  const base = await layeredImage(parts, [[{ name: "p" }]], { tags: ["base"] });
  const above = await layeredImage(parts, [[{ name: "c" }]], { parent: base });
  const beside = await layeredImage(parts, [[{ name: "q" }]]);
  const descends = parts.images.lineage("base");
  expect([base, above, beside].map(({ id }) => descends(id))).toEqual([true, true, false]);
  expect(parts.images.lineage("missing")(base.id)).toBe(false);
});
