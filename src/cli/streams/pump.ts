import { createDemultiplexer } from "../../base/demultiplex.ts";
import type { RawStream } from "../../client/transport.ts";
import { STDERR, STDOUT, write } from "../output.ts";
import type { DetachFilter } from "./detach-keys.ts";
import { openStdin } from "./read-stdin.ts";
import type { RawTerminal } from "./terminal.ts";

export interface Session {
  readonly stream: RawStream;
  /** The process has a terminal. */
  readonly tty: boolean;
  /** The stream carries frames, not bytes as the process wrote them. */
  readonly framed: boolean;
  /** Send our standard input. */
  readonly stdin: boolean;
  readonly detachKeys: string | undefined;
  /** Told how the process ended, where the stream says so. */
  readonly onResult?: (text: string) => void;
}

/** Connects our own standard streams with a container's until its output ends, or the user detaches. */
export async function pump(session: Session): Promise<"ended" | "detached"> {
  if (!session.stdin) return copyOutput(session);
  if (!session.tty || !(await import("./terminal.ts")).isTerminal(0)) {
    // Input alone ends nothing: a program may answer long after it has read everything.
    return Promise.race([copyOutput(session), sendInput(session)]);
  }
  const { openRawTerminal } = await import("./terminal.ts");
  const { createDetachFilter } = await import("./detach-keys.ts");
  const filter = createDetachFilter(session.detachKeys);
  // Before the first output is shown, so that all of it is shown in the same way.
  using terminal = openRawTerminal();
  return await Promise.race([copyOutput(session), sendKeys(session, terminal, filter)]);
}

async function copyOutput({ stream, framed, onResult }: Session): Promise<"ended"> {
  const show = (descriptor: 1 | 2, piece: Uint8Array) => write(descriptor === 2 ? STDERR : STDOUT, piece);
  const take = framed ? createDemultiplexer(show, onResult) : (chunk: Uint8Array) => show(1, chunk);
  for await (const chunk of stream.output) await take(chunk);
  return "ended";
}

/** Standard input from a pipe or a file; its end is the program's end of input. */
async function sendInput({ stream }: Session): Promise<never> {
  const read = openStdin();
  for (let chunk = await read(); chunk !== null; chunk = await read()) await stream.write(chunk);
  stream.end();
  return new Promise(() => {});
}

/** Keys from our terminal. */
async function sendKeys({ stream }: Session, terminal: RawTerminal, filter: DetachFilter): Promise<"detached"> {
  for (let typed = await terminal.read(); typed !== null; typed = await terminal.read()) {
    const { pass, detached } = filter.feed(typed);
    if (pass.length > 0) await stream.write(pass);
    if (detached) {
      stream.close();
      return "detached";
    }
  }
  stream.end();
  return new Promise(() => {});
}
