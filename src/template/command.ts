import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fail } from "../base/errors.ts";

/** Lines of output that a failure's message quotes. */
const QUOTED_LINES = 3;

/**
 * Runs a program of the host and yields what it prints, line by line, both streams together.
 * @throws unavailable `COMMAND_FAILED` with its last lines; cancelled. Whatever it started is ended with it.
 */
export async function* command(
  program: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; signal?: AbortSignal } = {},
): AsyncGenerator<string> {
  if (options.signal?.aborted) cancelled(program);
  // A group of its own: debootstrap is a shell script, and its children must not outlive it.
  const child = spawn(program, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, LC_ALL: "C", ...options.env },
    detached: true,
  });
  const ending = endingOf(child);
  const stop = () => endGroup(child);
  options.signal?.addEventListener("abort", stop);
  const last: string[] = [];
  try {
    for await (const line of linesOf(child)) {
      last.push(line);
      if (last.length > QUOTED_LINES) last.shift();
      yield line;
    }
    const ended = await ending;
    if (options.signal?.aborted) cancelled(program);
    if (ended !== "exit code 0") {
      fail("unavailable", "COMMAND_FAILED", `${program} failed (${ended}): ${last.join("; ")}`);
    }
  } finally {
    options.signal?.removeEventListener("abort", stop);
    if (child.exitCode === null) stop();
    await ending;
  }
}

/** All lines that a program prints. */
export async function commandLines(program: string, args: readonly string[]): Promise<string[]> {
  return Array.fromAsync(command(program, args));
}

async function* linesOf(child: ChildProcess): AsyncGenerator<string> {
  const waiting: string[] = [];
  let open = 0;
  let wake = () => {};
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    open++;
    createInterface({ input: stream })
      .on("line", (line) => {
        waiting.push(line);
        wake();
      })
      .on("close", () => {
        open--;
        wake();
      });
  }
  while (open > 0 || waiting.length > 0) {
    const line = waiting.shift();
    if (line !== undefined) yield line;
    else await new Promise<void>((resolve) => (wake = resolve));
  }
}

function endingOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
}

function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

function cancelled(program: string): never {
  fail("cancelled", "COMMAND_CANCELLED", `${program}: cancelled`);
}
