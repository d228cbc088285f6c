import { describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { type Digest, digestOf, hexOf } from "../../src/image/digest.ts";
import type { Image } from "../../src/image/image-store.ts";
import { loadImages } from "../../src/image/load.ts";
import { saveImages } from "../../src/image/save.ts";
import { exportTar } from "../../src/snapshot/archive.ts";
import { openTestParts, type TestParts } from "../registry/engine-parts.ts";
import { scratchDirectory } from "../snapshot/scratch-directory.ts";
import { type Member, readTar, tar } from "../snapshot/tar-fixture.ts";
import { layeredImage } from "./layered-image.ts";

function save(parts: TestParts, ...names: string[]): Promise<Buffer> {
  return buffer(saveImages(parts.content, parts.layers, parts.images, names));
}

/** What `docker load` prints, and the images. */
async function load(parts: TestParts, archive: Buffer): Promise<{ lines: string[]; images: Image[] }> {
  const progress = loadImages(parts.content, parts.layers, parts.images, Readable.from([archive]));
  const lines: string[] = [];
  for (;;) {
    const step = await progress.next();
    if (step.done) return { lines, images: step.value };
    lines.push(step.value.stream);
  }
}

const LAYERS: readonly (readonly Member[])[] = [
  [
    { name: "etc/", type: "5" },
    { name: "etc/motd", content: "hello", uid: 5 },
  ],
  [{ name: "etc/.wh.motd" }, { name: "new", content: "new" }],
];

async function filesOf(parts: TestParts, image: Image | undefined): Promise<string[]> {
  return readTar(exportTar(await parts.layers.root(image?.chainId ?? null)));
}

/** Nothing of a load that failed: no image, blob, snapshot or temporary file. */
function expectNothing(parts: TestParts): void {
  const content = join(parts.paths.root, "content");
  expect(parts.images.list()).toEqual([]);
  expect(readdirSync(join(content, "blobs/sha256"))).toEqual([]);
  expect(readdirSync(join(content, "staging"))).toEqual([]);
  expect(readdirSync(join(parts.paths.root, "snapshots"))).toEqual([]);
}

describe("an image that is saved and loaded elsewhere", () => {
  test.each<[string, (archive: Buffer) => Buffer]>([
    ["plain", (archive) => archive],
    ["gzip", (archive) => gzipSync(archive)],
    ["zstd", (archive) => zstdCompressSync(archive)],
    ["xz", (archive) => execFileSync("xz", ["-c"], { input: archive })],
    ["bzip2", (archive) => execFileSync("bzip2", ["-c"], { input: archive })],
  ])("is the same image (%s)", async (_packing, packed) => {
    await using here = openTestParts();
    await using there = openTestParts();
    const image = await layeredImage(here, LAYERS, { tags: ["app:1", "app:2"] });
    const { lines, images } = await load(there, packed(await save(here, "app")));
    expect(lines).toEqual(["Loaded image: app:1\n", "Loaded image: app:2\n"]);
    expect(images.map(({ id, manifestDigest }) => [id, manifestDigest])).toEqual([[image.id, image.manifestDigest]]);
    expect(await filesOf(there, images[0])).toEqual(await filesOf(here, image));
    expect(await save(there, "app")).toEqual(await save(here, "app"));
    expect(readdirSync(join(there.paths.root, "content/staging"))).toEqual([]);
  });

  test("keeps layers compressed that were stored so", async () => {
    await using here = openTestParts();
    await using there = openTestParts();
    const archive = tar(...(LAYERS[0] ?? []));
    const layer = await here.layers.import(null, Readable.from([gzipSync(archive)]));
    const config = {
      architecture: "amd64",
      os: "linux",
      rootfs: { type: "layers" as const, diff_ids: [layer.diffId] },
    };
    const image = await here.images.create({ config, topChainId: layer.chainId, parentId: null });
    const { images } = await load(there, await save(here, image.id));
    expect(images[0]?.manifestDigest).toBe(image.manifestDigest);
    expect(there.layers.stack(images[0]?.chainId ?? null)[0]?.blob).toEqual(layer.blob);
  });

  test("takes its name from the image that had it; without a name its id is told", async () => {
    await using here = openTestParts();
    await using there = openTestParts();
    const image = await layeredImage(here, LAYERS, { tags: ["app"] });
    const old = await layeredImage(there, [[{ name: "old" }]], { tags: ["app"] });
    expect((await load(there, await save(here, "app:latest"))).lines).toEqual([
      `The image app:latest already exists, renaming the old one with ID ${old.id} to empty string\n`,
      "Loaded image: app:latest\n",
    ]);
    expect((await load(there, await save(here, image.id))).lines).toEqual([`Loaded image ID: ${image.id}\n`]);
  });

  test("shares what several images have in common", async () => {
    await using here = openTestParts();
    const base = await layeredImage(here, LAYERS, { tags: ["base"] });
    await layeredImage(here, [[{ name: "more" }]], { tags: ["more"], parent: base });
    const names = (await readTar(await save(here, "base", "more"))).map((line) => line.split(" ")[0] ?? "");
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => name.startsWith("blobs/sha256/") && name.length > 20)).toHaveLength(3 + 2 + 2);
  });

  test("or is said not to be here, before anything is sent", async () => {
    await using parts = openTestParts();
    expect(() => saveImages(parts.content, parts.layers, parts.images, ["missing"])).toThrow(
      "No such image: missing:latest",
    );
  });
});

/** The archive that Docker before 25 writes: a folder for each layer, equal ones as links. */
function oldDockerArchive(config: Buffer, layers: readonly Buffer[], tags: readonly string[]): Buffer {
  const paths = layers.map((_, index) => `${String(index).repeat(64)}/layer.tar`);
  const manifest = [{ Config: `${hexOf(digestOf(config))}.json`, RepoTags: tags, Layers: paths }];
  const members: Member[] = layers.map((layer, index) => {
    const first = layers.findIndex((other) => other.equals(layer));
    const name = paths[index] ?? "";
    return first === index ? { name, content: layer } : { name, type: "2", link: `../${paths[first]}` };
  });
  return tar(
    ...members,
    { name: `${hexOf(digestOf(config))}.json`, content: config },
    { name: "manifest.json", content: JSON.stringify(manifest) },
  );
}

function configOf(...diffIds: Digest[]): Buffer {
  const config = { architecture: "amd64", os: "linux", Unknown: [1], rootfs: { type: "layers", diff_ids: diffIds } };
  return Buffer.from(`${JSON.stringify(config, null, 3)}\n`);
}

describe("an archive of others is loaded", () => {
  test("of an old Docker, equal layers as links, its config's bytes untouched", async () => {
    await using parts = openTestParts();
    const [one, two] = [tar({ name: "one" }), tar({ name: "two" })];
    const config = configOf(digestOf(one), digestOf(two), digestOf(one));
    const { lines, images } = await load(parts, oldDockerArchive(config, [one, two, one], ["old:v1"]));
    expect(lines).toEqual(["Loaded image: old:v1\n"]);
    expect(images[0]?.id).toBe(digestOf(config));
    expect(parts.content.readDocument(digestOf(config)).equals(config)).toBe(true);
    expect((await filesOf(parts, images[0])).length).toBe(2);
  });

  test("as skopeo writes it, and what we keep is read by skopeo in place", async () => {
    await using here = openTestParts();
    await using there = openTestParts();
    using scratch = scratchDirectory();
    const image = await layeredImage(here, LAYERS, { tags: ["app:v1"] });
    const skopeo = (...args: string[]) => execFileSync("skopeo", ["--insecure-policy", ...args], { encoding: "utf8" });
    const layout = `oci:${here.paths.root}/content:app:v1`;
    const inspected: unknown = JSON.parse(skopeo("inspect", "--raw", layout));
    expect(inspected).toMatchObject({ config: { digest: image.id } });
    for (const [kind, file] of [
      ["docker-archive", "docker.tar"],
      ["oci-archive", "oci.tar"],
    ]) {
      const path = join(scratch.path, file ?? "");
      skopeo("copy", layout, `${kind}:${path}:app:v1`);
      const { lines, images } = await load(there, Buffer.from(await Bun.file(path).arrayBuffer()));
      expect(lines).toEqual(["Loaded image: app:v1\n"]);
      expect(await filesOf(there, images[0])).toEqual(await filesOf(here, image));
    }
    await Bun.write(join(scratch.path, "ours.tar"), await save(here, "app:v1"));
    skopeo("copy", `docker-archive:${scratch.path}/ours.tar:app:v1`, `dir:${scratch.path}/dir`);
  });

  test("of several platforms: the one for this machine", async () => {
    await using parts = openTestParts();
    const layer = tar({ name: "here" });
    const config = configOf(digestOf(layer));
    const blobs = new Map<Digest, Buffer>();
    const blob = (content: Buffer | object) => {
      const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
      blobs.set(digestOf(bytes), bytes);
      return { digest: digestOf(bytes), size: bytes.length };
    };
    const manifest = blob({ schemaVersion: 2, config: blob(config), layers: [blob(layer)] });
    const architecture = process.arch === "x64" ? "amd64" : process.arch;
    const index = blob({
      schemaVersion: 2,
      manifests: [
        { ...manifest, digest: digestOf("not here"), platform: { os: "linux", architecture: "s390x" } },
        { ...manifest, platform: { os: "linux", architecture } },
      ],
    });
    const annotations = { "io.containerd.image.name": "docker.io/library/multi:1" };
    const top = { manifests: [{ ...index, mediaType: "application/vnd.oci.image.index.v1+json", annotations }] };
    const archive = tar(
      { name: "index.json", content: JSON.stringify(top) },
      ...[...blobs].map(([digest, content]) => ({
        name: "b",
        pax: { path: `blobs/sha256/${hexOf(digest)}` },
        content,
      })),
    );
    expect((await load(parts, archive)).lines).toEqual(["Loaded image: multi:1\n"]);
  });
});

describe("an archive that cannot be loaded is refused whole", () => {
  const layer = tar({ name: "x" });
  const config = configOf(digestOf(layer));
  const manifest = (fields: object) =>
    tar({
      name: "manifest.json",
      content: JSON.stringify([{ Config: "c", RepoTags: ["a:b"], Layers: ["l"], ...fields }]),
    });
  const cases: [what: string, archive: Buffer, message: string][] = [
    ["no images in it", tar({ name: "readme", content: "hi" }), "it has neither a manifest.json"],
    ["a manifest that is no JSON", tar({ name: "manifest.json", content: "{" }), '"manifest.json": '],
    ["a config that is missing", manifest({}), 'invalid archive: "c" is missing in it'],
    ["a path out of it", manifest({ Config: "../../etc/passwd" }), '"../../etc/passwd" is missing in it'],
    ["a layer less than told", oldDockerArchive(config, [], ["a:b"]), "layers length mismatch: expected 1, got 0"],
    ["another layer than told", oldDockerArchive(config, [tar({ name: "y" })], ["a:b"]), "but the image names"],
    ["a name that is none", oldDockerArchive(config, [layer], ["UPPER:b"]), "must be lowercase"],
    [
      "links in a circle",
      Buffer.from(tar({ name: "manifest.json", type: "2", link: "manifest.json" })),
      "is missing in it",
    ],
    [
      "a hostile layer",
      oldDockerArchive(configOf(digestOf(tar({ name: "../x" }))), [tar({ name: "../x" })], []),
      "leads out",
    ],
    ["half of it", oldDockerArchive(config, [layer], ["a:b"]).subarray(0, 1200), "unexpected EOF"],
  ];
  test.each(cases)("%s", async (_what, archive, message) => {
    await using parts = openTestParts();
    await expect(load(parts, archive)).rejects.toThrow(message);
    expectNothing(parts);
  });
});
