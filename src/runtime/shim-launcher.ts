import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { spawnFailed } from "./shim-socket.ts";

/** Of one shim that is to be: where its socket listens, and its cgroups' path until it is a container. */
export interface ShimOrder {
  readonly socket: string;
  readonly cgroupPath: string;
}

/** A complaint is a line or two. */
const MAX_COMPLAINT_BYTES = 4096;

/**
 * Starts shims through a process of their own kind that stays for that. A program started by the engine itself would stop
 * the event loop until it has got a processor, 60 ms on a machine with much to do; an order is written, and answered.
 * The launcher ends with the engine, whose end it sees in its standard input.
 */
export class ShimLauncher implements Disposable {
  #running: Launcher | null = null;
  #last: Promise<unknown> = Promise.resolve();

  /** @param directory in its command line, to tell whose it is */
  constructor(
    private readonly program: string,
    private readonly directory: string,
  ) {}

  /**
   * Resolves when all sockets listen. Orders are carried out one after another.
   * @throws internal `SHIM_SPAWN`, with what the shim said
   */
  launch(orders: readonly ShimOrder[]): Promise<void> {
    const turn = this.#last.then(() => this.#order(orders));
    this.#last = turn.catch(() => {});
    return turn;
  }

  [Symbol.dispose](): void {
    this.#running?.child.stdin.end();
    this.#running = null;
  }

  async #order(orders: readonly ShimOrder[]): Promise<void> {
    if (!this.#running?.isAlive) this.#running = startLauncher(this.program, this.directory);
    const complaint = await this.#running.ask(orders);
    if (complaint !== null) spawnFailed(this.program, complaint);
  }
}

interface Launcher {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly isAlive: boolean;
  /** What went wrong; null: nothing. */
  ask(orders: readonly ShimOrder[]): Promise<string | null>;
}

function startLauncher(program: string, directory: string): Launcher {
  const child = spawn(program, [directory], { stdio: ["pipe", "pipe", "pipe"], env: {}, cwd: "/" });
  let isAlive = true;
  let said = "";
  let answered: (complaint: string | null) => void = () => {};
  const end = (complaint: string) => {
    isAlive = false;
    answered(complaint);
  };
  const hear = (bytes: Buffer) => {
    if (said.length < MAX_COMPLAINT_BYTES) said += bytes.toString("latin1");
    const at = said.lastIndexOf("\0");
    if (at < 0 || said.length < at + 2) return;
    const complaint = said[at + 1] === "0" ? null : said.slice(0, at);
    said = "";
    answered(complaint);
  };
  child.stdout.on("data", hear);
  // Before it has become a launcher, it complains as any program does.
  child.stderr.on("data", (bytes: Buffer) => {
    if (said.length < MAX_COMPLAINT_BYTES) said += bytes.toString("latin1");
  });
  child.stdin.on("error", () => {}); // Its end is told by `close`.
  child.on("error", (error) => end(error.message));
  child.on("close", () => end(said));
  return {
    child,
    get isAlive() {
      return isAlive;
    },
    ask(orders) {
      const { promise, resolve } = Promise.withResolvers<string | null>();
      answered = resolve;
      const words = orders.flatMap(({ socket, cgroupPath }) => [socket, cgroupPath]);
      child.stdin.write(`${words.join("\0")}\0\0`);
      return promise;
    },
  };
}
