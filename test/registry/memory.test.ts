import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { closeSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { TAR_END, tarHeader, tarPadding } from "../../src/image/tar-header.ts";
import { startEngine, temporaryRoot } from "../harness/test-engine.ts";
import { serveRegistryCommand } from "./served-registry.ts";

const MIB = 1024 * 1024;
/** Several times what may be added: who keeps what streams through is found out. */
const LAYER_BYTES = 320 * MIB;
const GROWTH_LIMIT_BYTES = 40 * MIB;
/** What all of it may leave behind, code that was loaded included. */
const TOTAL_LIMIT_BYTES = 64 * MIB;

test("engine and registry stay flat in memory while a large layer is imported, pushed, pulled, saved and loaded", async () => {
  const scratch = temporaryRoot();
  const [archive, saved] = [join(scratch, "root.tar"), join(scratch, "saved.tar")];
  writeLargeArchive(archive);
  await using registry = await serveRegistryCommand();
  await using engine = await startEngine({ busybox: false });
  const name = `${registry.host}/large:1`;
  try {
    const processes = [
      { name: "engine", pid: engine.pid, atRest: memoryOf(engine.pid) },
      { name: "registry", pid: registry.pid, atRest: memoryOf(registry.pid) },
    ];
    for (const command of [
      ["import", archive, name],
      ["push", name],
      ["rmi", name],
      ["pull", name],
      ["save", "-o", saved, name],
      ["rmi", name],
      ["load", "-i", saved],
    ]) {
      const limits = processes.map(({ pid, atRest }) =>
        Math.min(memoryOf(pid) + GROWTH_LIMIT_BYTES, atRest + TOTAL_LIMIT_BYTES),
      );
      const peaks = await peaksDuring(
        processes.map(({ pid }) => pid),
        engine.expectLighter(...command),
      );
      for (const [index, { name: process }] of processes.entries()) {
        const above = Math.max(0, (peaks[index] ?? 0) - (limits[index] ?? 0));
        expect([command[0], process, above]).toEqual([command[0], process, 0]);
      }
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

async function peaksDuring(pids: readonly number[], work: Promise<unknown>): Promise<number[]> {
  let peaks = pids.map(memoryOf);
  const timer = setInterval(() => {
    peaks = pids.map((pid, index) => Math.max(peaks[index] ?? 0, memoryOf(pid)));
  }, SAMPLE_MS);
  try {
    await work;
    return peaks;
  } finally {
    clearInterval(timer);
  }
}

/** What a process has for itself alone (proc_pid_smaps(5)): the program's own pages are shared with whoever else runs it. */
function memoryOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1]);
  return (kilobytes("Private_Dirty") + kilobytes("Shared_Dirty")) * 1024;
}
