/** One way to ask one engine: what is measured beside others. */
export interface Contender {
  /** As a column's title. */
  readonly name: string;
  /** The client's program and leading arguments. */
  readonly client: readonly string[];
  readonly env: Record<string, string | undefined>;
  /** Programs whose memory is the engine's. */
  readonly engineProcesses: () => readonly number[];
  /** The processes that stay beside running containers. */
  readonly monitors: () => readonly number[];
}

/** Runs one command of the client to its end, its output thrown away, and returns the milliseconds that it took. */
export async function timed(contender: Contender, ...args: string[]): Promise<number> {
  const started = performance.now();
  await run(contender, args);
  return performance.now() - started;
}

/** As {@link timed}, for commands that only prepare or clean up. */
export async function untimed(contender: Contender, ...args: string[]): Promise<void> {
  await run(contender, args);
}

/** What a command prints, without the end of its last line. */
export async function printed(contender: Contender, ...args: string[]): Promise<string> {
  const child = Bun.spawn([...contender.client, ...args], {
    env: contender.env,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(failure(contender, args, code, stderr));
  return stdout.trimEnd();
}

async function run(contender: Contender, args: readonly string[]): Promise<void> {
  const child = Bun.spawn([...contender.client, ...args], {
    env: contender.env,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const [stderr, code] = await Promise.all([new Response(child.stderr).text(), child.exited]);
  if (code !== 0) throw new Error(failure(contender, args, code, stderr));
}

function failure({ name }: Contender, args: readonly string[], code: number, stderr: string): string {
  return `${name}: ${args.join(" ")}: exit code ${code}: ${stderr.trim()}`;
}
