import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "./build.mjs";
import { asCommand, exitCodeOf } from "./command.mjs";
import { enginesOutside, leftBehind, nameOf, survey } from "./leftovers.mjs";
import { BUN, CACHE, testEnvironment } from "./paths.mjs";
import { setUpForTests } from "./setup.mjs";
import { readReport } from "./test-report.mjs";

/**
 * More than the cores: most of an end-to-end test's time is spent waiting for the kernel and for other processes.
 */
const WORKERS = 4;
const TIMINGS = join(CACHE, "test-timings.json");
const TEST_TIMEOUT_MS = 60_000;

/**
 * All tests, or those whose path contains one of the arguments. The last line printed is the count, and the exit code
 * is 0 only when nothing failed and nothing was left behind on the machine.
 */
async function test() {
  await setUpForTests();
  await build();
  const before = survey();
  const directory = mkdtempSync(join(tmpdir(), "lighter-test-"));
  chmodSync(directory, 0o755); // Roots of containers are in it, and containers may be of other users.
  try {
    const report = await runTests(directory);
    report.failures.push(...tracesOf(directory, before));
    print(report);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** @param {string} directory for the roots of the tests' engines, and for the report */
async function runTests(directory) {
  mkdirSync(CACHE, { recursive: true });
  const reportPath = join(directory, "report.xml");
  const args = [
    "test",
    `--parallel=${WORKERS}`,
    `--timeout=${TEST_TIMEOUT_MS}`,
    // The slowest files start first: a long one alone at the end would keep the other workers waiting.
    `--timings=${TIMINGS}`,
    "--update-timings",
    "--only-failures",
    "--reporter=junit",
    `--reporter-outfile=${reportPath}`,
    ...(process.argv.length > 2 ? process.argv.slice(2) : ["src/", "scripts/", "bench/", "test/"]),
  ];
  // Whatever the tests put below the system's temporary directory goes with it, and tells whose it was.
  const env = { ...testEnvironment(), LIGHTER_TEST_DIRECTORY: directory, TMPDIR: directory };
  return readReport(reportPath, await exitCodeOf(BUN, args, { env }));
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

/** @param {import("./test-report.mjs").Report} report */
function print({ passed, skipped, failures }) {
  if (failures.length > 0) console.log(`\nFailed:\n${failures.map((failure) => `  ${failure}`).join("\n")}`);
  console.log(`\n${passed} passed, ${failures.length} failed${skipped ? `, ${skipped} skipped` : ""}`);
  process.exitCode = failures.length > 0 ? 1 : 0;
}

await asCommand(import.meta.url, test);
