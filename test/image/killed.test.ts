import { expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { digestOf } from "../../src/image/digest.ts";
import { within } from "../harness/deadline.ts";
import { openTestParts, type TestParts } from "../registry/engine-parts.ts";

const WORK = resolve(import.meta.dir, "fixtures/endless-work.ts");

/** Moments at which the work is killed, in milliseconds after it began: in different steps of its rounds. */
const MOMENTS_MS = [5, 23, 41, 77, 113, 160, 231];

test("whenever an engine is killed, the next one finds whole images and leaves nothing over", async () => {
  await using first = openTestParts();
  let parts: TestParts = first;
  for (const moment of MOMENTS_MS) {
    await killAfter(parts.paths.root, "working", moment);
    parts = parts.reopen();
    expectSound(parts);
  }
  // However slow the machine: once in the second round, when there are images.
  await killAfter(parts.paths.root, "done with a round", 10);
  parts = parts.reopen();
  expectSound(parts);
  expect(parts.images.list().length).toBeGreaterThan(0);
});

async function killAfter(root: string, word: string, delayMs: number): Promise<void> {
  const work = spawn(process.execPath, [WORK, root], { stdio: ["ignore", "pipe", "inherit"], detached: true });
  const ended = once(work, "exit");
  const { stdout, pid } = work;
  if (!stdout || !pid) throw new Error("the work was not started");
  let said = "";
  await within(
    `the work says "${word}"`,
    new Promise<void>((resolve) => {
      stdout.on("data", (piece) => {
        said += piece;
        if (said.includes(word)) resolve();
      });
    }),
  );
  // The moment is the point here: nothing is awaited.
  await Bun.sleep(delayMs);
  // With its helpers: a power cut asks nobody.
  process.kill(-pid, "SIGKILL");
  await ended;
}

/** All that a record names is there, whole, and nothing else is. */
function expectSound(parts: TestParts): void {
  const { root } = parts.paths;
  const named = new Set<string>();
  const blobPath = (digest: string) => join(root, "content/blobs/sha256", digest.slice("sha256:".length));
  const check = (digest: string) => {
    named.add(digest);
    expect<string>(digestOf(readFileSync(blobPath(digest)))).toBe(digest);
  };
  // Before anything is swept: no record may ever have preceded its files.
  for (const { chain_id, blob_digest, snapshot } of parts.store.db
    .query<{ chain_id: string; blob_digest: string; snapshot: number | null }, []>("SELECT * FROM layer")
    .all()) {
    check(blob_digest);
    expect([chain_id, snapshot === null || existsSync(join(root, "snapshots", String(snapshot), "fs"))]).toEqual([
      chain_id,
      true,
    ]);
  }
  for (const image of parts.images.list()) {
    check(image.id);
    check(image.manifestDigest);
    expect(parts.layers.stack(image.chainId).length).toBe(image.config.rootfs.diff_ids?.length ?? 0);
  }

  parts.snapshotter.sweep(() => false);
  parts.images.sweep();
  const kept = new Set(parts.layers.blobs.all());
  for (const image of parts.images.list()) kept.add(image.id).add(image.manifestDigest);
  const blobs = readdirSync(join(root, "content/blobs/sha256")).map((name) => `sha256:${name}`);
  expect(blobs.sort()).toEqual([...kept].sort());
  expect(readdirSync(join(root, "content/staging"))).toEqual([]);
  const snapshots = parts.store.db.query<{ key: number }, []>("SELECT key FROM snapshot").all();
  expect(readdirSync(join(root, "snapshots")).sort()).toEqual(snapshots.map(({ key }) => String(key)).sort());
  expect(statSync(join(root, "content/index.json")).isFile()).toBe(true);
}
