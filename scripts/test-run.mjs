import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { enginesOutside, leftBehind, nameOf, survey } from "./leftovers.mjs";

/** @typedef {import("./test-report.mjs").Report} Report */

/**
 * Runs tests, prints what failed and as the last line the count, and sets the exit code: 0 only when nothing failed and
 * nothing was left behind on the machine.
 * @param {(directory: string) => Promise<Report>} run gets a directory for its engines' roots and reports, removed afterwards
 */
export async function testRun(run) {
  const before = survey();
  const directory = mkdtempSync(join(tmpdir(), "lighter-test-"));
  chmodSync(directory, 0o755); // Roots of containers are in it, and containers may be of other users.
  try {
    const report = await run(directory);
    report.failures.push(...tracesOf(directory, before));
    print(report);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * What the tests left behind, as failures. Beside another engine that is only a warning.
 * @param {string} directory
 * @param {readonly import("./leftovers.mjs").Trace[]} before
 */
function tracesOf(directory, before) {
  const after = survey();
  const traces = leftBehind(before, after).map((trace) => `left behind: ${nameOf(trace)}`);
  const others = enginesOutside([...before, ...after], directory);
  if (others.length === 0 || traces.length === 0) return traces;
  console.log(
    `\nOther engines run here (${others.map(nameOf).join(", ")}), so these may be theirs:\n${traces.join("\n")}`,
  );
  return [];
}

/** @param {Report} report */
function print({ passed, skipped, failures }) {
  if (failures.length > 0) console.log(`\nFailed:\n${failures.map((failure) => `  ${failure}`).join("\n")}`);
  console.log(`\n${passed} passed, ${failures.length} failed${skipped ? `, ${skipped} skipped` : ""}`);
  process.exitCode = failures.length > 0 ? 1 : 0;
}
