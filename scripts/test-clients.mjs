import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { CLIENT_PACKAGES, installMissing } from "./apt-packages.mjs";
import { build } from "./build.mjs";
import { startClientEngine } from "./client-engine.mjs";
import { provideClientImages } from "./client-images.mjs";
import { asCommand, exitCodeOf } from "./command.mjs";
import { filesBelow } from "./freshness.mjs";
import { BUN, ROOT } from "./paths.mjs";
import { setUpForTests } from "./setup.mjs";
import { readReport } from "./test-report.mjs";
import { testRun } from "./test-run.mjs";

/** @typedef {import("./test-report.mjs").Report} Report */

const TESTS = join(ROOT, "test/clients");
const TEST_TIMEOUT_MS = 120_000;
/** Node's runner takes a file for a test of its own. */
const NODE_FILE_TIMEOUT_MS = 240_000;

/**
 * Clients that nobody here wrote do real work against one engine: programs, driven by Bun's tests, and npm libraries,
 * which run on Node as their users run them. All tests, or those whose path contains one of the arguments.
 */
async function testClients() {
  await setUpForTests();
  await installMissing(CLIENT_PACKAGES);
  await build();
  await testRun(async (directory) => {
    const engine = await startClientEngine(directory);
    try {
      return await runTests(directory, engine.env);
    } finally {
      await engine.stop();
    }
  });
}

/**
 * @param {string} directory for reports
 * @param {NodeJS.ProcessEnv} env by which clients find the engine
 */
async function runTests(directory, env) {
  await provideClientImages(env);
  const before = belongings(env);
  const reports = [await onBun(directory, env), await onNode(directory, env)];
  const left = belongings(env).filter((thing) => !before.includes(thing));
  return sum([...reports, { passed: 0, skipped: 0, failures: left.map((thing) => `left in the engine: ${thing}`) }]);
}

/**
 * @param {string} directory
 * @param {NodeJS.ProcessEnv} env
 */
async function onBun(directory, env) {
  const files = wanted(filesBelow(join(TESTS, "programs"), (path) => path.endsWith(".ts")));
  if (files.length === 0) return sum([]);
  const report = join(directory, "bun.xml");
  const reporter = ["--only-failures", "--reporter=junit", `--reporter-outfile=${report}`];
  const args = ["test", `--timeout=${TEST_TIMEOUT_MS}`, ...reporter, ...files];
  return readReport(report, await exitCodeOf(BUN, args, { env }));
}

/**
 * @param {string} directory
 * @param {NodeJS.ProcessEnv} env
 */
async function onNode(directory, env) {
  const files = wanted(filesBelow(join(TESTS, "npm"), (path) => path.endsWith(".mjs")));
  if (files.length === 0) return sum([]);
  const report = join(directory, "node.xml");
  const reporters = ["--test-reporter=spec", "--test-reporter-destination=stdout"];
  reporters.push("--test-reporter=junit", `--test-reporter-destination=${report}`);
  const args = ["--test", "--test-concurrency=1", `--test-timeout=${NODE_FILE_TIMEOUT_MS}`, ...reporters, ...files];
  return readReport(report, await exitCodeOf(process.execPath, args, { env }));
}

/** @param {readonly string[]} files */
function wanted(files) {
  const parts = process.argv.slice(2);
  return files.filter((path) => parts.length === 0 || parts.some((part) => path.includes(part)));
}

/**
 * What users keep in an engine, by name: the tests have one engine, and each must leave it as it was.
 * @param {NodeJS.ProcessEnv} env
 */
function belongings(env) {
  const lists = [
    ["ps", "--all", "--format", "container {{.Names}}"],
    ["images", "--format", "image {{.Repository}}:{{.Tag}}"],
    ["volume", "ls", "--format", "volume {{.Name}}"],
    ["network", "ls", "--format", "network {{.Name}}"],
  ];
  return lists.flatMap((args) => {
    const { stdout, stderr, status } = spawnSync("docker", args, { env, encoding: "utf8" });
    return status === 0 ? stdout.split("\n").filter(Boolean) : [`unknown: docker ${args.join(" ")}: ${stderr}`];
  });
}

/** @param {readonly Report[]} reports */
function sum(reports) {
  return {
    passed: reports.reduce((total, { passed }) => total + passed, 0),
    skipped: reports.reduce((total, { skipped }) => total + skipped, 0),
    failures: reports.flatMap(({ failures }) => failures),
  };
}

await asCommand(import.meta.url, testClients);
