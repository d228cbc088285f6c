import { createDemultiplexer } from "../../client/stdcopy.ts";
import type { RawStream } from "../../client/transport.ts";
import { STDERR, STDOUT, write } from "../output.ts";

export interface Session {
  readonly stream: RawStream;
  /** The stream carries a terminal's bytes, not frames. */
  readonly tty: boolean;
  /** Send our standard input. */
  readonly stdin: boolean;
  readonly detachKeys: string | undefined;
}

/** Connects our own standard streams with a container's until its output ends, or the user detaches. */
export async function pump(session: Session): Promise<"ended" | "detached"> {
  const output = copyOutput(session);
  if (!session.stdin) return output;
  const input = session.tty && (await import("./terminal.ts")).isTerminal(0) ? typeInto(session) : sendInput(session);
  // Input alone ends nothing: a program may answer long after it has read everything.
  return Promise.race([output, input]);
}

async function copyOutput({ stream, tty }: Session): Promise<"ended"> {
  if (tty) for await (const chunk of stream.output) await write(STDOUT, chunk);
  else {
    const demultiplex = createDemultiplexer((descriptor, piece) => write(descriptor === 2 ? STDERR : STDOUT, piece));
    for await (const chunk of stream.output) await demultiplex(chunk);
  }
  return "ended";
}

/** Standard input from a pipe or a file; its end is the program's end of input. */
async function sendInput({ stream }: Session): Promise<never> {
  // Bun's own stream: process.stdin costs 8 ms of loading.
  for await (const chunk of Bun.stdin.stream()) await stream.write(chunk);
  stream.end();
  return new Promise(() => {});
}

/** Keys from a terminal. */
async function typeInto({ stream, detachKeys }: Session): Promise<"detached"> {
  const { openRawTerminal } = await import("./terminal.ts");
  const { createDetachFilter } = await import("./detach-keys.ts");
  const filter = createDetachFilter(detachKeys);
  using terminal = openRawTerminal();
  for await (const typed of terminal.input) {
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
