import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { leftBehind, nameOf, survey } from "../../scripts/leftovers.mjs";
import { type Paths, resolvePaths } from "../../src/base/paths.ts";
import { SMALL_HEAP } from "../../src/base/small-heap.ts";
import { READY_FD_VARIABLE } from "../../src/client/start-engine.ts";
import { eventually, within } from "./deadline.ts";
import { LIGHTER, type Output, runProgram } from "./program.ts";
import { TerminalSession } from "./terminal-session.ts";

/** How long after its last container the engine's shims, groups and links may need to go. */
const GONE_DEADLINE_MS = 5_000;

export interface EngineOptions {
  /** Build the busybox template as the image `busybox`; most tests want it. */
  readonly busybox?: boolean;
  /** Further environment of the engine and the clients. */
  readonly env?: Record<string, string>;
}

/**
 * An engine of the test's own, with its own root, ready to answer.
 *
 *     await using engine = await startEngine();
 *     const { stdout } = await engine.docker("run", "--rm", "busybox", "echo", "hello");
 */
export async function startEngine({ busybox = true, env = {} }: EngineOptions = {}): Promise<TestEngine> {
  const engine = new TestEngine(temporaryRoot(), env);
  try {
    await engine.start();
    if (busybox) await engine.expectLighter("template", "build", "busybox");
    return engine;
  } catch (error) {
    await engine[Symbol.asyncDispose]();
    throw error;
  }
}

/** A directory for one engine's root, below the one that the whole test run removes. */
export function temporaryRoot(): string {
  return mkdtempSync(join(process.env.LIGHTER_TEST_DIRECTORY ?? tmpdir(), "lighter-root-"));
}

/** See {@link startEngine}. Disposing ends it and fails when anything of it is left on the machine. */
export class TestEngine implements AsyncDisposable {
  readonly paths: Paths;
  readonly env: Record<string, string | undefined>;
  readonly #before = survey();
  readonly #ids = new Set<string>();
  #daemon: ChildProcess | undefined;
  #log = "";

  constructor(root: string, env: Record<string, string> = {}) {
    this.paths = resolvePaths(root);
    this.env = { ...process.env, ...env, LIGHTER_ROOT: root, DOCKER_HOST: `unix://${this.paths.socket}` };
  }

  get root(): string {
    return this.paths.root;
  }

  get socket(): string {
    return this.paths.socket;
  }

  /** The engine's process id. */
  get pid(): number {
    const pid = this.#daemon?.pid;
    if (!pid) throw new Error("the engine does not run");
    return pid;
  }

  /** What the engine has said of itself since it started. */
  get log(): string {
    return this.#log;
  }

  /** Process ids of all engines that run on this root, those too that a client started. */
  daemons(): number[] {
    const pids = survey()
      .filter(({ kind, name, evidence }) => kind === "process" && / daemon( |$)/.test(name) && this.#owns(evidence))
      .map(({ name }) => Number.parseInt(name, 10));
    // An engine's child has the engine's command line until it executes its program.
    return pids.filter((pid) => !pids.includes(parentOf(pid)));
  }

  /** Starts the engine, with further options of `daemon`, and resolves when it says that its socket takes connections. */
  async start(...options: string[]): Promise<void> {
    const [program = "", ...leading] = LIGHTER;
    const env = { ...this.env, ...SMALL_HEAP, [READY_FD_VARIABLE]: "3" };
    const daemon = spawn(program, [...leading, "daemon", ...options], {
      env,
      stdio: ["ignore", "ignore", "pipe", "pipe"],
    });
    this.#daemon = daemon;
    this.#log = "";
    daemon.stderr?.on("data", (chunk: Buffer) => {
      this.#log += chunk;
    });
    const ready = daemon.stdio[3];
    if (!ready) throw new Error("no pipe for the engine's readiness");
    const [line] = await within(
      `the engine of ${this.root} is ready`,
      Promise.race([once(ready, "data"), once(daemon, "exit")]),
    );
    if (String(line).trim() !== "ready") throw new Error(`the engine did not start (${line}): ${this.#log}`);
  }

  /** Asks the engine to end, as a service manager does; containers go on. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** Ends the engine with SIGKILL at once; containers go on. */
  async kill9(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  lighter(...args: string[]): Promise<Output> {
    return runProgram([...LIGHTER, ...args], { env: this.env });
  }

  docker(...args: string[]): Promise<Output> {
    return runProgram(["docker", ...args], { env: this.env });
  }

  /** As {@link lighter}, with standard input. */
  lighterInput(input: string | Uint8Array, ...args: string[]): Promise<Output> {
    return runProgram([...LIGHTER, ...args], { env: this.env, input });
  }

  /** As {@link docker}, with standard input. */
  dockerInput(input: string | Uint8Array, ...args: string[]): Promise<Output> {
    return runProgram(["docker", ...args], { env: this.env, input });
  }

  /** What our CLI prints, without the end of its last line; a failure of the command is one of the test. */
  async expectLighter(...args: string[]): Promise<string> {
    return outputOf(`lighter ${args.join(" ")}`, await this.lighter(...args));
  }

  /** As {@link expectLighter}, by the docker CLI. */
  async expectDocker(...args: string[]): Promise<string> {
    return outputOf(`docker ${args.join(" ")}`, await this.docker(...args));
  }

  /** One of the two CLIs on a terminal. */
  terminal(
    cli: "lighter" | "docker",
    args: readonly string[],
    size?: { rows: number; columns: number },
  ): TerminalSession {
    return new TerminalSession([...(cli === "lighter" ? LIGHTER : [cli]), ...args], this.env, size);
  }

  /** A request to the Engine API. */
  api(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`http://engine${path}`, { ...init, unix: this.socket });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#removeContainers();
      await this.stop();
      await this.#expectNothingLeft();
    } finally {
      await this.kill9();
      this.#killRest();
      rmSync(this.paths.run, { recursive: true, force: true });
      rmSync(this.root, { recursive: true, force: true });
    }
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const daemon = this.#daemon;
    this.#daemon = undefined;
    if (daemon && daemon.exitCode === null && daemon.signalCode === null) {
      const ended = once(daemon, "exit");
      daemon.kill(signal);
      await within(`the engine ends after ${signal}`, ended);
    }
    for (const pid of this.daemons()) process.kill(pid, signal);
    // Not our children, so nothing tells when they are gone.
    await eventually(`engines started on demand end after ${signal}`, () =>
      this.daemons().length === 0 ? true : undefined,
    );
  }

  /** Also where a test has ended the engine: what still runs is found again by a fresh one. */
  async #removeContainers(): Promise<void> {
    if (!this.#daemon && this.daemons().length === 0) {
      if (!existsSync(join(this.root, "lighter.db"))) return;
      await this.start();
    }
    await this.#noteIds();
    const ids = await this.expectDocker("ps", "--all", "--quiet", "--no-trunc");
    if (ids) await this.expectDocker("rm", "--force", "--volumes", ...ids.split("\n"));
  }

  /** Shims and groups go a moment after their container: give them that moment, and no more. */
  async #expectNothingLeft(): Promise<void> {
    const left = () => this.#left().filter(({ kind }) => kind !== "directory");
    await eventually(
      () => `nothing is left of the engine, but: ${left().map(nameOf).join("; ")}`,
      () => (left().length === 0 ? true : undefined),
      GONE_DEADLINE_MS,
    );
  }

  /** After a failure, so that one test's processes do not disturb the next. */
  #killRest(): void {
    for (const { kind, name } of this.#left()) {
      if (kind === "process") process.kill(Number.parseInt(name, 10), "SIGKILL");
    }
  }

  #left() {
    return leftBehind(this.#before, survey()).filter((trace) => this.#owns(trace.evidence));
  }

  /**
   * By the root's path, by the hash of the root or of the run directory, or by the id of a container or network of this
   * engine: one of them is in the name or the alias of whatever is made outside of the root.
   */
  #owns(evidence: string): boolean {
    const { root, run } = this.paths;
    const marks = [root, run.slice(run.lastIndexOf("-") + 1), sha256(run).slice(0, 12), ...this.#ids];
    return marks.some((mark) => evidence.includes(mark));
  }

  /** Notes the short ids of all that the engine ever had, those removed too, while it can be asked. */
  async #noteIds(): Promise<void> {
    const now = Math.ceil(Date.now() / 1000);
    for (const path of [`/events?since=0&until=${now}`, "/networks"]) {
      for (const [id] of (await (await this.api(path)).text()).matchAll(/\b[0-9a-f]{64}\b/g))
        this.#ids.add(id.slice(0, 12));
    }
  }
}

/** NaN of a process that has ended. */
function parentOf(pid: number): number {
  try {
    return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  } catch {
    return Number.NaN;
  }
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function outputOf(command: string, { stdout, stderr, exitCode }: Output): string {
  if (exitCode !== 0) throw new Error(`${command}: exit code ${exitCode}\n${stdout}${stderr}`);
  return stdout.replace(/\n$/, "");
}
