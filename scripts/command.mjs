import { spawn, spawnSync } from "node:child_process";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";
import { ROOT } from "./paths.mjs";

/** A failure that needs no stack: its message says what to do. */
export class Refusal extends Error {}

/**
 * Runs `work` when the module was started from the command line; imported, it does nothing. A failure is one line on
 * standard error and exit code 1.
 * @param {string} moduleUrl the caller's `import.meta.url`
 * @param {() => unknown} work
 */
export async function asCommand(moduleUrl, work) {
  if (process.argv[1] !== fileURLToPath(moduleUrl)) return;
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

/**
 * Runs a program on the caller's terminal, in the project's root, until it ends.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {import("node:child_process").SpawnOptions} [options]
 * @returns {Promise<number>} its exit code, 128 + signal when it was killed
 */
export function exitCodeOf(program, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: ROOT, stdio: "inherit", ...options });
    child.on("error", (error) => reject(new Refusal(`${program}: ${error.message}`)));
    child.on("exit", (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
}

/**
 * As {@link exitCodeOf}, refusing anything but success.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {import("node:child_process").SpawnOptions} [options]
 */
export async function run(program, args, options) {
  const code = await exitCodeOf(program, args, options);
  if (code !== 0) throw new Refusal(`${program} ${args.join(" ")}: exit code ${code}`);
}

/**
 * What a short program prints, or undefined when it is not there or fails.
 * @param {string} program
 * @param {readonly string[]} args
 * @returns {string | undefined}
 */
export function outputOf(program, args) {
  const result = spawnSync(program, args, { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  return result.status === 0 ? result.stdout : undefined;
}
