import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { logTo } from "../../src/base/log.ts";
import { Snapshotter } from "../../src/snapshot/snapshotter.ts";
import { Trash } from "../../src/snapshot/trash.ts";
import { Store } from "../../src/store/database.ts";
import { scratchDirectory } from "./scratch-directory.ts";

function open(root: string) {
  const store = Store.open(join(root, "lighter.db"));
  const trash = Trash.open(join(root, "trash"), logTo(2));
  return { store, trash, snapshotter: Snapshotter.open(store, join(root, "snapshots"), trash) };
}

test("a snapshot is an empty directory that only root reaches, and is gone at once when removed", async () => {
  using scratch = scratchDirectory();
  const { store, trash, snapshotter } = open(scratch.path);
  using _store = store;
  const key = snapshotter.prepare("container", null);
  expect(statSync(snapshotter.directory).mode & 0o777).toBe(0o700);
  expect(statSync(snapshotter.upper(key)).mode & 0o777).toBe(0o755);
  writeFileSync(join(snapshotter.upper(key), "file"), "12345");
  expect(await snapshotter.usage(key)).toBe(5);
  expect(snapshotter.graphData(key)).toMatchObject({ LowerDir: "", UpperDir: snapshotter.upper(key) });

  snapshotter.remove(key);
  expect(readdirSync(snapshotter.directory)).toEqual([]);
  await trash.settled();
  expect(readdirSync(join(scratch.path, "trash"))).toEqual([]);
  expect(snapshotter.prepare("next", null)).toBeGreaterThan(key);
});

test("an engine that starts discards what a killed one left, and keeps what is somebody's", async () => {
  using scratch = scratchDirectory();
  const before = open(scratch.path);
  const kept = before.snapshotter.prepare("alive", null);
  before.snapshotter.prepare("dead", null);
  mkdirSync(join(scratch.path, "snapshots/77/fs"), { recursive: true });
  mkdirSync(join(scratch.path, "trash/half-deleted/below"), { recursive: true });
  before.store[Symbol.dispose]();

  const { store, trash, snapshotter } = open(scratch.path);
  using _store = store;
  snapshotter.sweep((owner) => owner === "alive");
  expect(readdirSync(snapshotter.directory)).toEqual([String(kept)]);
  await trash.settled();
  expect(readdirSync(join(scratch.path, "trash"))).toEqual([]);
});

test("what is not there is discarded without complaint", async () => {
  using scratch = scratchDirectory();
  const { store, trash } = open(scratch.path);
  using _store = store;
  trash.discard(join(scratch.path, "nothing"));
  expect(existsSync(join(scratch.path, "nothing"))).toBe(false);
  await trash.settled();
});

test("a place is found for a layer of many files, and nothing is left of the search", async () => {
  using scratch = scratchDirectory();
  const { store, trash, snapshotter } = open(scratch.path);
  using _store = store;
  await trash.settled();
  const key = snapshotter.prepare("import", null, true);
  expect(readdirSync(snapshotter.directory)).toEqual([String(key)]);
  expect(statSync(join(snapshotter.directory, String(key))).mode & 0o777).toBe(0o700);
});
