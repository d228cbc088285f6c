import { runProgram } from "../harness/program.ts";

/** Long enough for a program that starts several containers on a machine under load. */
const DEADLINE_MS = 60_000;

export interface ProgramOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  readonly input?: string;
}

/**
 * What a client prints to standard output, without the end of its last line. A client that fails is a failure of the
 * test. It finds the engine by DOCKER_HOST, which `npm run test:clients` has set.
 */
export async function expectOutput(command: readonly string[], options: ProgramOptions = {}): Promise<string> {
  const { stdout, stderr, exitCode } = await runClient(command, options);
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: exit code ${exitCode}\n${stdout}${stderr}`);
  return stdout.replace(/\n$/, "");
}

/** As {@link expectOutput}, for one that may fail. */
export function runClient(command: readonly string[], { cwd, env, input }: ProgramOptions = {}) {
  return runProgram(command, { env: { ...process.env, ...env }, cwd, input, timeoutMs: DEADLINE_MS });
}
