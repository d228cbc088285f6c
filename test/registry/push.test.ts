import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { digestOf } from "../../src/image/digest.ts";
import { parseReference } from "../../src/image/reference.ts";
import { layeredImage } from "../image/layered-image.ts";
import { openTestParts } from "./engine-parts.ts";
import { type OwnRegistry, startOwnRegistry } from "./own-registry.ts";
import { startReferenceRegistry, type TestRegistry } from "./reference-registry.ts";
import { pull, push, words } from "./transfer.ts";

let ours: OwnRegistry;
let reference: TestRegistry;

beforeAll(async () => {
  [ours, reference] = await Promise.all([startOwnRegistry(), startReferenceRegistry()]);
});
afterAll(async () => {
  await ours[Symbol.asyncDispose]();
  await reference[Symbol.asyncDispose]();
});

const TEXT = "a line of text, again and again\n".repeat(40_000);

test("layers that were made here go compressed, once, and have the same digests everywhere", async () => {
  await using parts = openTestParts();
  const image = await layeredImage(parts, [[{ name: "text", content: TEXT }], [{ name: "b", content: "b" }]], {
    tags: [`${ours.host}/made/here:1`],
  });
  const there = `${reference.host}/made/there:1`;
  parts.images.tag(image.id, parseReference(there));
  const plain = parts.layers.stack(image.chainId).map(({ blob }) => blob);

  const first = words(await push(parts, `${ours.host}/made/here:1`));
  const packed = await Promise.all(plain.map((blob) => parts.layers.blobs.packed(blob)));
  const [text] = packed;
  if (!text) throw new Error("no layer");
  expect(text.sizeBytes).toBeLessThan(TEXT.length / 20);
  const bytes = readFileSync(parts.content.path(text.digest));
  expect(digestOf(bytes)).toBe(text.digest);
  expect<string | undefined>(digestOf(gunzipSync(bytes))).toBe(plain[0]?.digest);
  const made = statSync(parts.content.path(text.digest)).ino;

  const second = words(await push(parts, there));
  expect(statSync(parts.content.path(text.digest)).ino).toBe(made);
  const digest = /^1: digest: (sha256:\w+)/.exec(first.at(-1) ?? "")?.[1];
  expect(second.at(-1)).toStartWith(`1: digest: ${digest} `);
  expect(parts.images.repoDigestsOf(image.id).map((name): string | null => name.digest)).toEqual([
    digest ?? "",
    digest ?? "",
  ]);

  await using elsewhere = openTestParts();
  await pull(elsewhere, there);
  const pulled = elsewhere.images.resolve(there);
  expect([pulled.id, pulled.manifestDigest]).toEqual([image.id, digest as never]);
  expect(elsewhere.layers.stack(pulled.chainId).map(({ blob }) => blob)).toEqual(packed);
  elsewhere.images.tag(pulled.id, parseReference(`${ours.host}/made/back:1`));
  expect(words(await push(elsewhere, `${ours.host}/made/back:1`)).at(-1)).toStartWith(`1: digest: ${digest} `);

  parts.images.remove(image.id);
  for (const blob of [...plain, ...packed]) expect(existsSync(parts.content.path(blob.digest))).toBe(false);
});

test("what came with a manifest keeps its digest, also with layers that are plain", async () => {
  await using parts = openTestParts();
  const image = await layeredImage(parts, [[{ name: "random", content: randomBytes(1000).toString("hex") }]]);
  const name = `${ours.host}/plain/kept:1`;
  const pushedAs = { ...parseReference(name), digest: image.manifestDigest };
  // As if the plain manifest had been pulled from there.
  parts.images.addRepoDigest(image.id, pushedAs);
  parts.images.tag(image.id, parseReference(name));
  expect(words(await push(parts, name)).at(-1)).toStartWith(`1: digest: ${image.manifestDigest} `);
});

test("a push that is given up while it packs leaves nothing", async () => {
  await using parts = openTestParts();
  const name = `${ours.host}/given/up:1`;
  const image = await layeredImage(parts, [[{ name: "big", content: randomBytes(40_000_000) }]], { tags: [name] });
  const abort = new AbortController();
  const pushing = push(parts, name, { abort: abort.signal });
  setImmediate(() => abort.abort(new Error("not wanted any more")));
  await expect(pushing).rejects.toThrow();
  expect(parts.layers.blobs.all()).toEqual(parts.layers.stack(image.chainId).map(({ blob }) => blob.digest));
  expect(words(await push(parts, name)).at(-1)).toStartWith("1: digest: ");
});
