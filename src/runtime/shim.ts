import type { Socket } from "node:net";
import { basename } from "node:path";
import { fail, LighterError, messageOf } from "../base/errors.ts";
import {
  checkSignal,
  type ExecRequest,
  encodeExec,
  encodeLinkChange,
  encodeStart,
  type LinkChange,
  type StartRequest,
  windowBytes,
} from "./shim-request.ts";
import { askOnce, openSocket, shimGone } from "./shim-socket.ts";
import { type FailedStep, startFailure } from "./start-failure.ts";
import { Attach, encodeMessage, type Message, Records, Status, Tag, Type, takeMessages } from "./wire.ts";

export interface ShimExit {
  /** "init" or an exec's id. */
  readonly process: string;
  /** 128 + signal where one ended it. */
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** RFC 3339. */
  readonly finishedAt: string;
}

export type ShimState =
  | { readonly status: "waiting" }
  | { readonly status: "created"; readonly pid: number; readonly cgroupPath: string }
  | {
      readonly status: "running";
      readonly pid: number;
      readonly cgroupPath: string;
      readonly startedAt: string;
      /** The execs that ran when this connection was made, by id. */
      readonly execs: ReadonlyMap<string, number>;
    }
  | {
      readonly status: "exited";
      readonly exitCode: number;
      readonly oomKilled: boolean;
      readonly startedAt: string;
      readonly finishedAt: string;
    };

export interface Created {
  /** Of the container's first process, in the engine's pid namespace. */
  readonly pid: number;
  /** Where the container's cgroups are, below where each tree is mounted. */
  readonly cgroupPath: string;
  /** One for each held port, in the request's order. */
  readonly ports: number[];
  /** What could not be done in full and was not fatal, e.g. an rlimit above what the engine itself has. */
  readonly warnings: string[];
}

/** A container's DNS query, on its way to the engine. */
export interface ShimQuery {
  readonly number: number;
  /** As RFC 1035 has it; the container may have sent anything. */
  readonly message: Uint8Array;
  /** Asked over TCP: the answer may be long. */
  readonly stream: boolean;
}

interface Streams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

interface Pending {
  readonly resolve: (message: Message) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One connection to one lighter-shim. The shim outlives it: a container goes on when the connection is lost, and a new
 * one finds its state.
 */
export class Shim {
  /** Called once for each process that ends, after its last output was handed to whoever is attached. */
  onExit: (exit: ShimExit) => void = () => {};
  /** Called once when the connection ends, whoever ended it. */
  onDisconnect: () => void = () => {};
  #onQuery: ((query: ShimQuery) => void) | undefined;
  /** Those that came before anyone cared. */
  #queries: ShimQuery[] = [];
  #state: ShimState = { status: "waiting" };
  #keeperPid: number | null = null;
  #received: Buffer = Buffer.alloc(0);
  #lastRequest = 0;
  #disconnected = false;
  readonly #pending = new Map<number, Pending>();

  private constructor(
    readonly socketPath: string,
    readonly socket: Socket,
  ) {
    socket.on("data", (bytes: Buffer) => this.#receive(bytes));
    socket.on("error", () => {}); // "close" follows and says all there is to say
    socket.on("end", () => socket.destroy()); // the shim leaves whole, never by halves
    socket.on("close", () => this.#disconnect());
  }

  /** @throws unavailable `SHIM_GONE` where nobody listens. */
  static async connect(socketPath: string): Promise<Shim> {
    const shim = new Shim(socketPath, await openSocket(socketPath));
    try {
      const hello = await shim.#ask(Type.HELLO, new Records());
      shim.#state = stateOf(hello);
      shim.#keeperPid = hello.u32(Tag.KEEPER_PID) ?? null;
      return shim;
    } catch (error) {
      shim.socket.destroy();
      throw error;
    }
  }

  /** The socket's name without its ending, by which an engine finds the shim again. */
  get name(): string {
    return basename(this.socketPath, ".sock");
  }

  get state(): ShimState {
    return this.#state;
  }

  /** A process of ours in the container's cgroups, not to be shown or counted; null where there is none. */
  get keeperPid(): number | null {
    return this.#keeperPid;
  }

  get connected(): boolean {
    return !this.#disconnected;
  }

  /**
   * Makes the container, all but the program's start. A berth that failed is used up: its shim cleans up and leaves.
   * @throws StartFailure
   */
  async create(request: StartRequest): Promise<Created> {
    const answer = await this.#ask(Type.CREATE, encodeStart(request), "create");
    const created = {
      pid: answer.u32(Tag.PID) ?? 0,
      cgroupPath: answer.text(Tag.CGROUP_PATH),
      ports: answer.u32s(Tag.PORT),
      warnings: answer.texts(Tag.WARNING),
    };
    this.#keeperPid = answer.u32(Tag.KEEPER_PID) ?? null;
    this.#state = { status: "created", pid: created.pid, cgroupPath: created.cgroupPath };
    return created;
  }

  /**
   * Starts the created container's program. When it resolves the program runs, or has run already.
   * @throws StartFailure
   */
  async start(): Promise<void> {
    await this.#ask(Type.START, new Records(), "create");
  }

  /**
   * Attaches to a process that is created or runs. Nothing is missed that the process writes after this resolves. The
   * socket carries raw bytes both ways: for a terminal what it shows, otherwise Docker's stdcopy frames. Ending our half
   * is the end of stdin, where it was asked for and the container's is `stdinOnce`. It ends after the last output.
   * @throws conflict `PROCESS_NOT_RUNNING`
   */
  async attach(options: Streams & { readonly process: string }): Promise<Socket> {
    const records = new Records().text(Tag.PROCESS, options.process).u32(Tag.ATTACH_FLAGS, attachFlags(options));
    const { socket } = await askOnce(this.socketPath, Type.ATTACH, records, (failed) => this.#failure(failed));
    return socket;
  }

  /**
   * Runs a further process. With something attached `stream` is its socket, as {@link attach} gives; else null.
   * @throws StartFailure; conflict `PROCESS_NOT_RUNNING`
   */
  async exec(request: ExecRequest): Promise<{ pid: number; stream: Socket | null }> {
    const flags = attachFlags(request.attach);
    const records = encodeExec(request);
    if (flags === 0) {
      const answer = await this.#ask(Type.EXEC, records, "exec");
      return { pid: answer.u32(Tag.PID) ?? 0, stream: null };
    }
    records.u32(Tag.ATTACH_FLAGS, flags);
    const { answer, socket } = await askOnce(this.socketPath, Type.EXEC, records, (failed) =>
      this.#failure(failed, "exec"),
    );
    return { pid: answer.u32(Tag.PID) ?? 0, stream: socket };
  }

  /** Called for each DNS query of the container, which waits for {@link answer}; those too that came before this was set. */
  set onQuery(handle: (query: ShimQuery) => void) {
    this.#onQuery = handle;
    for (const query of this.#queries.splice(0)) handle(query);
  }

  /** Each query has to be answered, if with null, which leaves its sender without an answer. */
  answer(number: number, message: Uint8Array | null): void {
    if (this.#disconnected) return;
    const records = new Records();
    if (message) records.bytes(Tag.DNS_MESSAGE, message);
    this.socket.write(encodeMessage(Type.ANSWER, number, records));
  }

  /** Gives the container a further link. @param resolver its DNS queries are to come here from now on */
  async connectNetwork(change: LinkChange, resolver: boolean): Promise<void> {
    await this.#ask(Type.CONNECT, encodeLinkChange(change).flag(Tag.RESOLVER, resolver));
  }

  /** Takes one of the container's links away; fine where it is gone already. */
  async disconnectNetwork(change: LinkChange): Promise<void> {
    await this.#ask(Type.DISCONNECT, encodeLinkChange(change));
  }

  /** As {@link kill}, for all that the process has started and that has not left its group. */
  async killGroup(signal: number, process: string): Promise<void> {
    const records = new Records().text(Tag.PROCESS, process).u32(Tag.SIGNAL, checkSignal(signal));
    await this.#ask(Type.KILL, records.u32(Tag.SIGNAL_GROUP, 1));
  }

  /** @param signal its number @throws conflict `PROCESS_NOT_RUNNING`; invalid `UNKNOWN_SIGNAL` */
  async kill(signal: number, process = "init"): Promise<void> {
    await this.#ask(Type.KILL, new Records().text(Tag.PROCESS, process).u32(Tag.SIGNAL, checkSignal(signal)));
  }

  /** @throws conflict `NO_TERMINAL`, `PROCESS_NOT_RUNNING` */
  async resize(rows: number, columns: number, process = "init"): Promise<void> {
    await this.#ask(
      Type.RESIZE,
      new Records().text(Tag.PROCESS, process).bytes(Tag.WINDOW, windowBytes(rows, columns)),
    );
  }

  /** The process reads end of file after what was sent to it. A terminal's input cannot be closed. */
  async closeStdin(process = "init"): Promise<void> {
    await this.#ask(Type.CLOSE_STDIN, new Records().text(Tag.PROCESS, process));
  }

  /**
   * The end has been taken note of, or the berth is not wanted: the shim removes cgroups, links and socket and leaves. A
   * container that was created but not started goes with it. Resolves when nothing is left, which takes milliseconds that
   * nobody has to wait for. Fine where the shim is gone already.
   * @throws conflict `CONTAINER_RUNS`
   */
  async release(): Promise<void> {
    if (this.#disconnected) return;
    const closed = Promise.withResolvers<void>();
    this.socket.once("close", () => closed.resolve());
    try {
      await this.#ask(Type.RELEASE, new Records());
    } catch (error) {
      if (!this.#disconnected) throw error;
    }
    await closed.promise;
  }

  /** Leaves the container alone and lets go of the connection; of a waiting berth, that is its end. */
  disconnect(): void {
    this.socket.destroy();
  }

  #ask(type: number, records: Records, during?: "create" | "exec"): Promise<Message> {
    const { promise, resolve, reject } = Promise.withResolvers<Message>();
    if (this.#disconnected) {
      reject(shimGone(this.socketPath));
      return promise;
    }
    this.#lastRequest += 1;
    const request = this.#lastRequest;
    this.#pending.set(request, {
      resolve: (message) => (message.type === Type.OK ? resolve(message) : reject(this.#failure(message, during))),
      reject,
    });
    this.socket.write(encodeMessage(type, request, records));
    return promise;
  }

  #failure(message: Message, during?: "create" | "exec"): unknown {
    const failed = {
      step: message.text(Tag.STEP),
      errno: message.u32(Tag.ERRNO) ?? 0,
      errnoText: message.text(Tag.ERRNO_TEXT),
      detail: message.text(Tag.DETAIL),
    };
    return plainFailure(failed, during) ?? startFailure(during ?? "create", failed);
  }

  #receive(bytes: Buffer): void {
    this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
    try {
      const { messages, rest } = takeMessages(this.#received);
      this.#received = rest;
      for (const message of messages) this.#handle(message);
    } catch (error) {
      this.socket.destroy(error instanceof Error ? error : new Error(messageOf(error)));
    }
  }

  #handle(message: Message): void {
    if (message.type === Type.QUERY) {
      this.#queried(message);
      return;
    }
    if (message.type === Type.EXIT) {
      this.#exited(message);
      return;
    }
    if (message.text(Tag.STARTED_AT) && this.#state.status === "created") {
      this.#state = { ...this.#state, status: "running", startedAt: message.text(Tag.STARTED_AT), execs: new Map() };
    }
    const pending = this.#pending.get(message.request);
    this.#pending.delete(message.request);
    pending?.resolve(message);
  }

  #queried(message: Message): void {
    const query: ShimQuery = {
      number: message.request,
      message: message.bytes(Tag.DNS_MESSAGE) ?? new Uint8Array(),
      stream: message.u32(Tag.DNS_STREAM) === 1,
    };
    if (this.#onQuery) this.#onQuery(query);
    else this.#queries.push(query);
  }

  #exited(message: Message): void {
    const exit: ShimExit = {
      process: message.text(Tag.PROCESS),
      exitCode: message.u32(Tag.EXIT_CODE) ?? 0,
      oomKilled: message.u32(Tag.OOM_KILLED) === 1,
      finishedAt: message.text(Tag.FINISHED_AT),
    };
    if (exit.process === "init") {
      const startedAt = this.#state.status === "running" ? this.#state.startedAt : "";
      const { exitCode, oomKilled, finishedAt } = exit;
      this.#state = { status: "exited", exitCode, oomKilled, startedAt, finishedAt };
    }
    // After the answers that came with it have been seen: "runs" is heard before "has ended".
    queueMicrotask(() => this.onExit(exit));
  }

  #disconnect(): void {
    this.#disconnected = true;
    for (const { reject } of this.#pending.values()) reject(shimGone(this.socketPath));
    this.#pending.clear();
    this.onDisconnect();
  }
}

function stateOf(hello: Message): ShimState {
  const pids = hello.texts(Tag.PROCESS).map((id, index): [string, number] => [id, hello.u32s(Tag.PID)[index] ?? 0]);
  const pid = pids.find(([id]) => id === "init")?.[1] ?? 0;
  const cgroupPath = hello.text(Tag.CGROUP_PATH);
  const startedAt = hello.text(Tag.STARTED_AT);
  switch (hello.u32(Tag.STATUS)) {
    case Status.WAITING:
      return { status: "waiting" };
    case Status.CREATED:
      return { status: "created", pid, cgroupPath };
    case Status.RUNNING:
      return { status: "running", pid, cgroupPath, startedAt, execs: new Map(pids.filter(([id]) => id !== "init")) };
    case Status.EXITED:
      return {
        status: "exited",
        exitCode: hello.u32(Tag.EXIT_CODE) ?? 0,
        oomKilled: hello.u32(Tag.OOM_KILLED) === 1,
        startedAt,
        finishedAt: hello.text(Tag.FINISHED_AT),
      };
    default:
      return fail("internal", "SHIM_PROTOCOL", "the shim is in a state that this engine does not know");
  }
}

function attachFlags({ stdin, stdout, stderr }: Streams): number {
  return (stdin ? Attach.STDIN : 0) | (stdout ? Attach.STDOUT : 0) | (stderr ? Attach.STDERR : 0);
}

/** Failures that are no failed start. */
function plainFailure(failed: FailedStep, during?: "create" | "exec"): LighterError | null {
  const { step, detail } = failed;
  switch (step) {
    case "process":
      return new LighterError("conflict", "PROCESS_NOT_RUNNING", `process ${detail} is not running`);
    case "signal":
      return new LighterError("conflict", "PROCESS_NOT_RUNNING", `process ${detail} has ended: it takes no signal`);
    case "resize":
      return new LighterError(
        "conflict",
        "NO_TERMINAL",
        `process ${detail} has no terminal: it was started without one`,
      );
    case "link":
    case "route":
    case "resolver":
      return during
        ? null
        : new LighterError(
            "internal",
            "LINK_FAILED",
            `the container's networks cannot be changed: ${step} ${detail}: ${failed.errnoText.toLowerCase()}`,
          );
    case "release":
      return new LighterError("conflict", "CONTAINER_RUNS", `the shim cannot leave: ${detail}`);
    case "message":
      return new LighterError("internal", "SHIM_PROTOCOL", `the shim refuses the request: ${detail}`);
    default:
      return null;
  }
}
