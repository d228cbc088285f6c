import type { TestEngine } from "../harness/test-engine.ts";

/** The two front doors: each test goes through both of them to the same engine. */
export const CLIS = ["docker", "lighter"] as const;

export type Cli = (typeof CLIS)[number];

/** What the command prints, without the end of its last line; a failure of the command is one of the test. */
export function output(engine: TestEngine, cli: Cli, ...args: string[]): Promise<string> {
  return cli === "docker" ? engine.expectDocker(...args) : engine.expectLighter(...args);
}

/** The same as lines, none for an empty output. */
export async function lines(engine: TestEngine, cli: Cli, ...args: string[]): Promise<string[]> {
  const text = await output(engine, cli, ...args);
  return text === "" ? [] : text.split("\n");
}

/** How a command fails: the engine's message without the client's own words around it, and the exit code. */
export async function refusal(engine: TestEngine, cli: Cli, ...args: string[]): Promise<[string, number]> {
  const { stderr, exitCode } = await engine[cli](...args);
  return [engineMessage(stderr), exitCode];
}

/** The engine's message in what a client printed, without the client's own words around it. */
export function engineMessage(stderr: string): string {
  const [line = ""] = stderr.split("\n");
  return line.replace(/^(docker: |lighter: )?(Error response from daemon: |Error: )?/, "");
}

/** A field of a container by a template of inspect's. */
export function field(engine: TestEngine, container: string, template: string): Promise<string> {
  return engine.expectDocker("inspect", "--format", template, container);
}
