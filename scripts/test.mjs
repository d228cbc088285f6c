import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { build } from "./build.mjs";
import { asCommand, exitCodeOf } from "./command.mjs";
import { BUN, CACHE, testEnvironment } from "./paths.mjs";
import { setUpForTests } from "./setup.mjs";
import { readReport } from "./test-report.mjs";
import { testRun } from "./test-run.mjs";

/**
 * More than the cores: most of an end-to-end test's time is spent waiting for the kernel and for other processes.
 */
const WORKERS = 4;
const TIMINGS = join(CACHE, "test-timings.json");
const TEST_TIMEOUT_MS = 60_000;

/** All tests, or those whose path contains one of the arguments. Other people's clients have a command of their own. */
async function test() {
  await setUpForTests();
  await build();
  await testRun(runTests);
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

await asCommand(import.meta.url, test);
