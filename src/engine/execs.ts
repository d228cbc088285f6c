import type { Socket } from "node:net";
import { fail } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import { StartFailure } from "../runtime/start-failure.ts";
import type { ExecConfig } from "./container-config.ts";
import { emitContainerEvent } from "./container-events.ts";
import type { EngineParts } from "./engine-parts.ts";
import { execRequest } from "./exec-request.ts";
import { requireShim, requireUnpaused } from "./require-running.ts";

type ExecState =
  | { readonly status: "created" }
  | { readonly status: "running"; readonly pid: number }
  | { readonly status: "exited"; readonly pid: number; readonly exitCode: number; readonly at: number };

interface ExecRecord {
  readonly id: string;
  readonly containerId: string;
  readonly config: ExecConfig;
  readonly state: ExecState;
}

/** An ended exec can be inspected for this long, as in Docker. */
const KEPT_AFTER_EXIT_MS = 5 * 60_000;

/** The execs of this engine's life. They end with their container, so nothing of them is stored. */
export class ExecRegistry {
  readonly #execs = new Map<string, ExecRecord>();
  readonly #waiting = new Map<string, ((exitCode: number) => void)[]>();

  add(id: string, containerId: string, config: ExecConfig): ExecRecord {
    this.#forgetOld();
    const record: ExecRecord = { id, containerId, config, state: { status: "created" } };
    this.#execs.set(record.id, record);
    return record;
  }

  get(id: string): ExecRecord {
    return this.#execs.get(id) ?? fail("not-found", "EXEC_NOT_FOUND", `No such exec instance: ${id}`);
  }

  /** As {@link get}; undefined where it was forgotten meanwhile. */
  find(id: string): ExecRecord | undefined {
    return this.#execs.get(id);
  }

  setState(id: string, state: ExecState): void {
    this.#execs.set(id, { ...this.get(id), state });
    if (state.status === "exited") this.#tell(id, state.exitCode);
  }

  /** Resolves with the exit code; with 137 where the container goes first. @throws not-found */
  ended(id: string): Promise<number> {
    const { state } = this.get(id);
    if (state.status === "exited") return Promise.resolve(state.exitCode);
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#waiting.set(id, [...(this.#waiting.get(id) ?? []), resolve]);
    return promise;
  }

  /** Those who wait for its end hear of 137: its container went first. */
  forget(id: string): void {
    this.#execs.delete(id);
    this.#tell(id, 137);
  }

  /** Of those that a client can still look at; null where there is none, as Docker's inspect shows it. */
  idsOf(containerId: string): string[] | null {
    const ids = [...this.#execs.values()]
      .filter((exec) => exec.containerId === containerId && exec.state.status !== "exited")
      .map(({ id }) => id);
    return ids.length > 0 ? ids : null;
  }

  forgetContainer(containerId: string): void {
    for (const exec of this.#execs.values()) if (exec.containerId === containerId) this.forget(exec.id);
  }

  #tell(id: string, exitCode: number): void {
    for (const resolve of this.#waiting.get(id) ?? []) resolve(exitCode);
    this.#waiting.delete(id);
  }

  has(id: string): boolean {
    return this.#execs.has(id);
  }

  #forgetOld(): void {
    const limit = Date.now() - KEPT_AFTER_EXIT_MS;
    for (const { id, state } of this.#execs.values()) {
      if (state.status === "exited" && state.at < limit) this.forget(id);
    }
  }
}

export interface ExecStartOptions {
  readonly detach: boolean;
  readonly consoleSize?: { readonly rows: number; readonly columns: number };
}

/** @throws not-found; conflict where the container does not run or is paused; invalid for an empty command. */
export function createExec(
  parts: EngineParts,
  reference: string,
  config: ExecConfig,
  id: string = newId(),
): { Id: string } {
  if (!config.Cmd?.length) fail("invalid", "NO_COMMAND", "No exec command specified");
  const record = parts.containers.resolve(reference);
  requireUnpaused(record, reference);
  const exec = parts.execs.add(id, record.id, config);
  emitContainerEvent(parts, record, `exec_create: ${config.Cmd.join(" ")}`, { execID: exec.id });
  return { Id: exec.id };
}

/**
 * Runs an exec once.
 * @returns the attached stream in the client's format; null for a detached one.
 * @throws conflict where it ran before or its container no longer runs; what the shim reports (126, 127) otherwise.
 */
export async function startExec(parts: EngineParts, id: string, options: ExecStartOptions): Promise<Socket | null> {
  const exec = parts.execs.get(id);
  if (exec.state.status !== "created") {
    fail("conflict", "EXEC_ALREADY_RUN", `Error: Exec command ${id} has already run`);
  }
  const record = parts.containers.get(exec.containerId);
  requireUnpaused(record, record.id);
  // Taken before waiting: two starts at once must not run it twice.
  parts.execs.setState(id, { status: "running", pid: 0 });
  emitContainerEvent(parts, record, `exec_start: ${(exec.config.Cmd ?? []).join(" ")}`, { execID: id });
  try {
    const request = await execRequest(parts, record, exec.id, exec.config, options);
    const { pid, stream } = await requireShim(parts, record.id).exec(request);
    if (parts.execs.find(id)?.state.status === "running") parts.execs.setState(id, { status: "running", pid });
    return stream;
  } catch (error) {
    if (parts.execs.has(id)) {
      parts.execs.setState(id, { status: "exited", pid: 0, exitCode: exitCodeOf(error), at: Date.now() });
    }
    throw error;
  }
}

/** What `docker exec` ends with: whatever keeps a command from running is "cannot be executed", but for one not found. */
function exitCodeOf(error: unknown): number {
  return error instanceof StartFailure && error.exitCode === 127 ? 127 : 126;
}

/** Takes note of an exec's end as the shim reports it. */
export function execExited(parts: EngineParts, id: string, exitCode: number): void {
  if (!parts.execs.has(id)) return;
  const { containerId, state } = parts.execs.get(id);
  const pid = state.status === "running" ? state.pid : 0;
  parts.execs.setState(id, { status: "exited", pid, exitCode, at: Date.now() });
  if (parts.containers.has(containerId)) {
    emitContainerEvent(parts, parts.containers.get(containerId), "exec_die", {
      execID: id,
      exitCode: String(exitCode),
    });
  }
}

/** The body of `GET /exec/{id}/json`. */
export function inspectExec(parts: EngineParts, id: string) {
  const { config, containerId, state } = parts.execs.get(id);
  const [entrypoint = "", ...args] = config.Cmd ?? [];
  return {
    ID: id,
    Running: state.status === "running",
    ExitCode: state.status === "exited" ? state.exitCode : null,
    ProcessConfig: {
      tty: config.Tty,
      entrypoint,
      arguments: args,
      privileged: config.Privileged,
      ...(config.User ? { user: config.User } : {}),
    },
    OpenStdin: config.AttachStdin,
    OpenStderr: config.AttachStderr,
    OpenStdout: config.AttachStdout,
    CanRemove: false,
    ContainerID: containerId,
    DetachKeys: "",
    Pid: state.status === "created" ? 0 : state.pid,
  };
}

/** @throws conflict where it does not run. */
export async function resizeExec(parts: EngineParts, id: string, rows: number, columns: number): Promise<void> {
  const { containerId, state } = parts.execs.get(id);
  if (state.status !== "running") {
    fail("conflict", "EXEC_NOT_RUNNING", `exec ${id} is not running: start it before resizing its terminal`);
  }
  await requireShim(parts, containerId).resize(rows, columns, id);
}
