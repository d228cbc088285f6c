import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { closeSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { TAR_END, tarHeader, tarPadding } from "../../src/image/tar-header.ts";
import { startEngine, type TestEngine, temporaryRoot } from "../harness/test-engine.ts";
import { startReferenceRegistry } from "./reference-registry.ts";

const MIB = 1024 * 1024;
/** Several times what may be added: who keeps what streams through is found out. */
const LAYER_BYTES = 320 * MIB;
const GROWTH_LIMIT_BYTES = 40 * MIB;
/** What all of it may leave behind, code that was loaded included. */
const TOTAL_LIMIT_BYTES = 64 * MIB;

test("the engine's memory stays flat while a large layer is imported, pushed, pulled, saved and loaded", async () => {
  const scratch = temporaryRoot();
  const [archive, saved] = [join(scratch, "root.tar"), join(scratch, "saved.tar")];
  writeLargeArchive(archive);
  await using registry = await startReferenceRegistry();
  await using engine = await startEngine({ busybox: false });
  const name = `${registry.host}/large:1`;
  try {
    const atRest = memoryOf(engine);
    for (const command of [
      ["import", archive, name],
      ["push", name],
      ["rmi", name],
      ["pull", name],
      ["save", "-o", saved, name],
      ["rmi", name],
      ["load", "-i", saved],
    ]) {
      const before = memoryOf(engine);
      const peak = await peakDuring(engine, engine.expectLighter(...command));
      const limit = Math.min(before + GROWTH_LIMIT_BYTES, atRest + TOTAL_LIMIT_BYTES);
      expect([command[0], Math.max(0, peak - limit)]).toEqual([command[0], 0]);
    }
  } finally {
    rmSync(scratch, { recursive: true });
  }
}, 120_000);

/** A root of one file that does not get smaller by packing. */
function writeLargeArchive(path: string): void {
  const file = openSync(path, "w");
  writeSync(file, tarHeader("large", LAYER_BYTES));
  for (let written = 0; written < LAYER_BYTES; written += MIB) writeSync(file, randomBytes(MIB));
  writeSync(file, tarPadding(LAYER_BYTES));
  writeSync(file, TAR_END);
  closeSync(file);
}

const SAMPLE_MS = 20;

async function peakDuring(engine: TestEngine, work: Promise<unknown>): Promise<number> {
  let peak = memoryOf(engine);
  const timer = setInterval(() => {
    peak = Math.max(peak, memoryOf(engine));
  }, SAMPLE_MS);
  try {
    await work;
    return peak;
  } finally {
    clearInterval(timer);
  }
}

/** What the engine has for itself alone (proc_pid_smaps(5)): the program's own pages are shared with whoever else runs it. */
function memoryOf({ pid }: TestEngine): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1]);
  return (kilobytes("Private_Dirty") + kilobytes("Shared_Dirty")) * 1024;
}
