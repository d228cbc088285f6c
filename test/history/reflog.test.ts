import { expect, test } from "bun:test";
import { parseReference } from "../../src/image/reference.ts";
import { layeredImage } from "../image/layered-image.ts";
import { openTestParts, type TestParts } from "../registry/engine-parts.ts";

const NAME = parseReference("app");
const DAY_NS = 24n * 3600n * 1_000_000_000n;

async function images(parts: TestParts, count: number) {
  const made = [];
  for (let number = 0; number < count; number++) made.push(await layeredImage(parts, [[{ name: `${number}` }]]));
  return made;
}

function targets(parts: TestParts): string[] {
  return parts.images.reflogOf(NAME).map(({ imageId, reason }) => `${reason} ${imageId}`);
}

test("an entry is written for each move, and for none that leaves the name where it is", async () => {
  await using parts = openTestParts();
  const [one, two] = await images(parts, 2);
  if (!one || !two) throw new Error("no images");
  parts.images.tag(one.id, NAME, "pull");
  parts.images.tag(one.id, NAME, "tag");
  parts.images.tag(two.id, NAME, "build");
  expect(targets(parts)).toEqual([`build ${two.id}`, `pull ${one.id}`]);
});

test("what was left more than 30 days ago is forgotten, what still stands is not", async () => {
  await using parts = openTestParts();
  const [one, two, three] = await images(parts, 3);
  if (!one || !two || !three) throw new Error("no images");
  parts.images.tag(one.id, NAME);
  parts.images.tag(two.id, NAME);
  const age = (days: bigint) => parts.store.db.query("UPDATE reflog SET since_ns = since_ns - ?").run(days * DAY_NS);
  age(29n);
  parts.images.tag(three.id, NAME);
  expect(targets(parts)).toHaveLength(3);
  age(2n);
  // `two` was left 2 days ago, `one` 31.
  parts.images.tag(one.id, parseReference("other"));
  expect(targets(parts)).toEqual([`tag ${three.id}`, `tag ${two.id}`]);
  age(100n);
  parts.images.tag(two.id, parseReference("other"));
  expect(targets(parts)).toEqual([`tag ${three.id}`]);
});

test("an entry goes with its image", async () => {
  await using parts = openTestParts();
  const [one, two] = await images(parts, 2);
  if (!one || !two) throw new Error("no images");
  parts.images.tag(one.id, NAME);
  parts.images.tag(two.id, NAME);
  parts.images.remove(one.id);
  expect(targets(parts)).toEqual([`tag ${two.id}`]);
});
