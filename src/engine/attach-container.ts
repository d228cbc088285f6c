import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import { fail, LighterError } from "../base/errors.ts";
import type { Shim } from "../runtime/shim.ts";
import { emitContainerEvent } from "./container-events.ts";
import { containerLogs } from "./container-logs.ts";
import { type ContainerRecord, isRestarting } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";

export interface AttachOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Follow what comes; without it only `logs` is sent. */
  readonly stream: boolean;
  /** Send first what was written so far. */
  readonly logs: boolean;
  readonly abort: AbortSignal;
}

export interface AttachSession {
  readonly tty: boolean;
  readonly history: Readable | null;
  /**
   * Resolves once the process exists - a client attaches before it starts - with a socket whose bytes are already in the
   * client's format; null when there is nothing (more) to attach to.
   */
  readonly socket: Promise<Socket | null>;
}

/** @throws not-found; conflict `CONTAINER_PAUSED` as Docker; conflict where the container is restarting. */
export function attachContainer(parts: EngineParts, reference: string, options: AttachOptions): AttachSession {
  const record = parts.containers.resolve(reference);
  assertAttachable(record);
  emitContainerEvent(parts, record, "attach");
  const { stdout, stderr, abort } = options;
  const history =
    options.logs && (stdout || stderr)
      ? containerLogs(parts, record.id, { stdout, stderr, follow: false, timestamps: false, details: false, abort })
          .stream
      : null;
  return { tty: record.config.Tty, history, socket: options.stream ? connect(parts, record, options) : NOTHING };
}

const NOTHING: Promise<Socket | null> = Promise.resolve(null);

function assertAttachable({ state, id }: ContainerRecord): void {
  if (state.status === "running" && state.paused) {
    fail("conflict", "CONTAINER_PAUSED", `Container ${id} is paused, unpause the container before attach.`);
  }
  if (isRestarting(state)) {
    fail("conflict", "CONTAINER_RESTARTING", `Container ${id} is restarting, wait until the container is running.`);
  }
}

function connect(parts: EngineParts, record: ContainerRecord, options: AttachOptions): Promise<Socket | null> {
  const shim = parts.live.get(record.id);
  if (shim) return attachToShim(shim, record, options).catch(nothingMore);
  return parts.pendingAttaches.add(record.id, options);
}

/** A process that ends in this moment has nothing more to say: to its client that is the end of its output. */
function nothingMore(error: unknown): null {
  if (error instanceof LighterError && error.code === "PROCESS_NOT_RUNNING") return null;
  throw error;
}

/** Standard input is only offered where the container keeps it open, as in Docker. */
export function attachToShim(shim: Shim, record: ContainerRecord, options: AttachOptions): Promise<Socket> {
  return shim.attach({
    process: "init",
    stdin: options.stdin && record.config.OpenStdin,
    stdout: options.stdout,
    stderr: options.stderr,
  });
}

interface Pending {
  readonly options: AttachOptions;
  readonly resolve: (socket: Socket | null) => void;
  readonly reject: (error: unknown) => void;
}

/** Clients that attached to containers which have not started yet. */
export class PendingAttaches {
  readonly #pending = new Map<string, Set<Pending>>();

  add(id: string, options: AttachOptions): Promise<Socket | null> {
    const { promise, resolve, reject } = Promise.withResolvers<Socket | null>();
    const entry: Pending = { options, resolve, reject };
    const set = this.#pending.get(id) ?? new Set();
    this.#pending.set(id, set.add(entry));
    options.abort.addEventListener(
      "abort",
      () => {
        set.delete(entry);
        resolve(null);
      },
      { once: true },
    );
    return promise;
  }

  /** Connects all that wait to the process that is about to start; when it resolves no output can be missed. */
  async connectAll(record: ContainerRecord, shim: Shim): Promise<void> {
    const waiting = this.#take(record.id);
    await Promise.all(
      waiting.map(async ({ options, resolve, reject }) => {
        try {
          resolve(await attachToShim(shim, record, options));
        } catch (error) {
          reject(error);
        }
      }),
    );
  }

  /** The container will not start, or is gone. */
  cancelAll(id: string): void {
    for (const { resolve } of this.#take(id)) resolve(null);
  }

  #take(id: string): Pending[] {
    const waiting = [...(this.#pending.get(id) ?? [])];
    this.#pending.delete(id);
    return waiting;
  }
}
