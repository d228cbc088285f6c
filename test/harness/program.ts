import { resolve } from "node:path";
import { within } from "./deadline.ts";

/** What a program that has ended printed. */
export interface Output {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

const TREE = resolve(import.meta.dir, "../..");

/**
 * How `lighter` is started: the compiled program that users get, or, with LIGHTER_TEST_SOURCE=1, the sources, which is
 * what watching and coverage need.
 */
export const LIGHTER: readonly string[] = process.env.LIGHTER_TEST_SOURCE
  ? [process.execPath, resolve(TREE, "src/cli/main.ts")]
  : [resolve(TREE, "dist/lighter")];

/** Long enough for a Debian root, made while other tests have the processors. */
const RUN_DEADLINE_MS = 240_000;

/** Runs a program to its end; `input` is all of its standard input. It is killed when the deadline passes. */
export async function runProgram(
  command: readonly string[],
  options: { env: Record<string, string | undefined>; input?: string | Uint8Array; cwd?: string; timeoutMs?: number },
): Promise<Output> {
  const child = Bun.spawn([...command], {
    env: options.env,
    cwd: options.cwd,
    stdin: typeof options.input === "string" ? new TextEncoder().encode(options.input) : (options.input ?? "ignore"),
    stdout: "pipe",
    stderr: "pipe",
  });
  const ended = Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  try {
    const [stdout, stderr, exitCode] = await within(
      `end of: ${command.join(" ")}`,
      ended,
      options.timeoutMs ?? RUN_DEADLINE_MS,
    );
    return { stdout, stderr, exitCode };
  } finally {
    child.kill("SIGKILL");
  }
}
