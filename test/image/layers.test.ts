import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { commitImage } from "../../src/image/commit.ts";
import { digestOf } from "../../src/image/digest.ts";
import { importImage } from "../../src/image/import.ts";
import { parseReference } from "../../src/image/reference.ts";
import { exportTar } from "../../src/snapshot/archive.ts";
import { openTestParts, type TestParts } from "../registry/engine-parts.ts";
import { readTar, tar, tarStream } from "../snapshot/tar-fixture.ts";
import { layeredImage } from "./layered-image.ts";

let parts: TestParts;
beforeAll(() => {
  parts = openTestParts();
});
afterAll(() => parts[Symbol.asyncDispose]());

/** Everything of the store on the disk and in the records that could be left over. */
function traces(): { rows: number; snapshots: string[]; staging: string[] } {
  const count = (table: string) =>
    parts.store.db.query<{ n: number }, []>(`SELECT count(*) AS n FROM ${table}`).get()?.n ?? 0;
  return {
    rows: count("layer") + count("snapshot") + count("image"),
    snapshots: readdirSync(join(parts.paths.root, "snapshots")).sort(),
    staging: readdirSync(join(parts.paths.root, "content/staging")),
  };
}

function upperOf(key: number): string {
  return join(parts.paths.root, "snapshots", String(key), "fs");
}

describe("an imported archive", () => {
  test("is an image with its root unpacked and its archive stored as it came", async () => {
    const archive = gzipSync(tar({ name: "etc/", type: "5" }, { name: "etc/motd", content: "hello" }));
    const image = await importImage(parts.layers, parts.images, {
      source: Readable.from([archive]),
      config: { Cmd: ["sh"] },
      comment: "Imported from -",
      tags: [parseReference("imported")],
    });
    const [layer] = parts.layers.stack(image.chainId);
    expect(layer?.blob).toEqual({
      digest: digestOf(archive),
      mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
      sizeBytes: archive.length,
    });
    expect(parts.images.resolve("imported").id).toBe(image.id);
    expect(digestOf(parts.content.readDocument(image.id))).toBe(image.id);
    const names = await readTar(exportTar(await parts.layers.root(image.chainId)));
    expect(names.map((line) => line.split(" ")[0])).toEqual(["etc/", "etc/motd"]);
  });

  test("that is there already is not kept twice", async () => {
    const once = await parts.layers.import(null, tarStream({ name: "twice", content: "" }));
    const before = traces();
    expect(await parts.layers.import(null, tarStream({ name: "twice", content: "" }))).toEqual(once);
    expect(traces()).toEqual(before);
  });

  test.each([
    ["hostile", tar({ name: "../x", content: "" }), "UNSAFE_NAME"],
    ["truncated", tar({ name: "x", content: "y".repeat(5000) }).subarray(0, 2000), "TRUNCATED"],
    ["no archive", Buffer.from("no archive at all".repeat(100)), "NOT_TAR"],
  ])("that is %s leaves nothing behind", async (_what, archive, code) => {
    const before = traces();
    const done = parts.layers.import(null, Readable.from([archive]));
    await expect(done).rejects.toMatchObject({ kind: "invalid", code: `ARCHIVE_${code}` });
    expect(traces()).toEqual(before);
  });

  test("whose source breaks off fails with the source's own error and leaves nothing behind", async () => {
    const before = traces();
    const source = Readable.from(
      (async function* () {
        yield tar({ name: "x", content: "y".repeat(5000) }).subarray(0, 2000);
        throw new Error("the client went away");
      })(),
    );
    await expect(parts.layers.import(null, source)).rejects.toThrow("the client went away");
    expect(traces()).toEqual(before);
  });

  test("is given up when nobody wants it any more", async () => {
    const before = traces();
    const abort = new AbortController();
    // Never ends by itself.
    const source = new Readable({ read() {} });
    const done = parts.layers.import(null, source, { signal: abort.signal });
    source.push(tar({ name: "x", content: "y".repeat(5000) }).subarray(0, 2000));
    setImmediate(() => abort.abort());
    await expect(done).rejects.toMatchObject({ kind: "cancelled" });
    expect(traces()).toEqual(before);
  });

  test("that is not what the image's config says is refused", async () => {
    const before = traces();
    const done = parts.layers.import(null, tarStream({ name: "x" }), { expectedDiffId: digestOf("other") });
    await expect(done).rejects.toMatchObject({ code: "LAYER_MISMATCH" });
    expect(traces()).toEqual(before);
  });
});

describe("what a container wrote", () => {
  test("becomes a layer, and the container keeps it; equal writes make the same layer", async () => {
    const base = await layeredImage(parts, [[{ name: "base", content: "base" }]]);
    const layers = [];
    for (const container of ["one", "two"]) {
      const key = parts.snapshotter.prepare(container, base.chainId);
      writeFileSync(join(upperOf(key), "written"), "same");
      const time = new Date(1_700_000_000_000);
      utimesSync(join(upperOf(key), "written"), time, time);
      layers.push(await parts.layers.commit(base.chainId, key, { keep: true }));
      expect(readFileSync(join(upperOf(key), "written"), "utf8")).toBe("same");
      parts.snapshotter.remove(key);
    }
    expect(layers[0]).toEqual(layers[1]);
    expect(layers[0]?.blob.mediaType).toBe("application/vnd.oci.image.layer.v1.tar");
  });

  test("is unpacked once, however many ask for it at once", async () => {
    const base = await layeredImage(parts, [[{ name: "base-of-lazy" }]]);
    const key = parts.snapshotter.prepare("lazy", base.chainId);
    writeFileSync(join(upperOf(key), "lazy"), "lazy");
    const layer = await parts.layers.commit(base.chainId, key, { keep: true });
    const before = traces().rows;
    const asked = await Promise.all(Array.from({ length: 5 }, () => parts.layers.lower(layer?.chainId ?? null)));
    expect(new Set(asked.map(String)).size).toBe(1);
    expect(traces().rows).toBe(before + 1);
    expect(readFileSync(join(upperOf(asked[0]?.[0] ?? 0), "lazy"), "utf8")).toBe("lazy");
    parts.snapshotter.remove(key);
  });

  test("is taken over as it lies when the writer is done, as a build's steps are", async () => {
    const key = parts.snapshotter.prepare("step", null);
    mkdirSync(join(upperOf(key), "made"));
    const layer = await parts.layers.commit(null, key, { keep: false });
    expect(await parts.layers.lower(layer?.chainId ?? null)).toEqual([key]);
  });

  test("is no layer if it is nothing, but a step of the image's history", async () => {
    const base = await layeredImage(parts, [[{ name: "base-of-nothing" }]], { cmd: "base" });
    const key = parts.snapshotter.prepare("idle", base.chainId);
    const image = await commitImage(parts.layers, parts.images, {
      parent: base,
      snapshot: key,
      config: { Cmd: ["other"] },
      createdBy: "sh",
      author: "A. Author",
      comment: "nothing",
      tag: null,
    });
    expect(image.chainId).toBe(base.chainId);
    expect(image.config.author).toBe("A. Author");
    expect(image.config.history?.at(-1)).toMatchObject({ empty_layer: true, comment: "nothing", created_by: "sh" });
    parts.snapshotter.remove(key);
  });
});

describe("a root of many layers", () => {
  test("shows the newest of each file, and what was removed not at all", async () => {
    const depth = 40;
    const image = await layeredImage(
      parts,
      Array.from({ length: depth }, (_, index) => [
        { name: `file-${index}`, content: "" },
        { name: "latest", content: String(index) },
        ...(index > 0 ? [{ name: `.wh.file-${index - 1}` }] : []),
      ]),
    );
    const lines = await readTar(exportTar(await parts.layers.root(image.chainId)));
    expect(lines.map((line) => line.split(" ")[0])).toEqual([`file-${depth - 1}`, "latest"]);
    const newest = await parts.layers.lower(image.chainId);
    expect(newest.length).toBe(depth);
    expect(readFileSync(join(upperOf(newest[0] ?? 0), "latest"), "utf8")).toBe(String(depth - 1));
  });
});

describe("a layer's files", () => {
  test("are unpacked anew when the machine went down before they were surely on the disk", async () => {
    await using parts = openTestParts();
    const image = await layeredImage(parts, [[{ name: "a", content: "a" }], [{ name: "b", content: "b" }]]);
    const [top = 0, base = 0] = await parts.layers.lower(image.chainId);
    await parts.snapshotter.sync.settle();
    parts.snapshotter.sync.note(top);
    // As after a reboot that lost what was written.
    parts.store.db.run("UPDATE snapshot SET unsynced_boot = 'another boot' WHERE unsynced_boot NOT NULL");
    rmSync(join(parts.snapshotter.upper(top), "b"));

    const after = parts.reopen();
    after.snapshotter.sweep(() => false);
    expect(existsSync(after.snapshotter.upper(top))).toBe(false);
    const [again = 0, same] = await after.layers.lower(image.chainId);
    expect([same, again > top]).toEqual([base, true]);
    expect(readFileSync(join(after.snapshotter.upper(again), "b"), "utf8")).toBe("b");
  });

  test("stay when only the engine went down, and are flushed by the next one", async () => {
    await using parts = openTestParts();
    const image = await layeredImage(parts, [[{ name: "a", content: "a" }]]);
    const before = await parts.layers.lower(image.chainId);
    const unsynced = "SELECT count(*) AS count FROM snapshot WHERE unsynced_boot NOT NULL";
    const after = parts.reopen();
    after.snapshotter.sweep(() => false);
    expect(await after.layers.lower(image.chainId)).toEqual(before);
    expect(after.store.db.query(unsynced).get()).toEqual({ count: 1 });
    await after.snapshotter.sync.settle();
    expect(after.store.db.query(unsynced).get()).toEqual({ count: 0 });
  });
});
