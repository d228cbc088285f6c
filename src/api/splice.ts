import type { Socket } from "node:net";
import { type Readable, Transform, type Writable } from "node:stream";
import { finished, pipeline } from "node:stream/promises";
import { messageOf } from "../base/errors.ts";
import { STDCOPY_STREAM, stdcopyFrame } from "../base/stdcopy.ts";
import { DetachKeys } from "../engine/detach-keys.ts";

/** A process's streams as the engine hands them out. */
export interface AttachedStreams {
  readonly tty: boolean;
  /** What was written before, sent first. */
  readonly history: Readable | null;
  /** The live connection once there is one; null: nothing follows. A rejection is told to the client in the stream. */
  readonly socket: Promise<Socket | null>;
  readonly stdin: boolean;
  /** Looked for in what a terminal sends; null where there is none. */
  readonly detachKeys: readonly number[] | null;
  /** How the process ended, where the client is to be told: in a last frame, so that a terminal's output is framed too. */
  readonly result?: Promise<unknown>;
}

/** The two halves of a client's connection; one and the same socket after an upgrade. */
export interface ClientStreams {
  readonly input: Readable;
  readonly output: Writable;
}

/**
 * Carries bytes between a client and a process, unread, with the slower side's backpressure. The end of the client's half
 * is the end of the process's input; the end of the process's output ends ours. Whoever vanishes takes the connection
 * along; the process itself lives on. Resolves, never rejects, when nothing more will be sent.
 */
export async function splice(client: ClientStreams, attached: AttachedStreams): Promise<void> {
  const { input, output } = client;
  // The connection may come, and break, while the history is still being sent.
  attached.socket.then((socket) => socket?.on("error", () => socket.destroy())).catch(() => {});
  attached.result?.catch(() => {}); // looked at below, by when it may be long settled
  try {
    if (attached.history) await pipeline(attached.history, output, { end: false });
    const socket = await attached.socket;
    if (socket) await exchange(client, socket, attached);
  } catch (error) {
    if (output.writable) output.write(failureText(error, attached.tty && !attached.result));
  }
  if (attached.result && output.writable) await sendResult(attached.result, output);
  attached.socket.then((socket) => socket?.destroy()).catch(() => {});
  output.end();
  // What still comes is read away, so that the client's own end is noticed and the descriptor is freed.
  input.resume();
}

async function exchange({ input, output }: ClientStreams, socket: Socket, attached: AttachedStreams): Promise<void> {
  const leave = () => {
    socket.destroy();
  };
  if (output.destroyed) return leave();
  output.once("close", leave);
  if (attached.stdin) forwardInput(input, socket, attached);
  else input.resume();
  const frames = attached.tty && attached.result ? pipeline(socket, framed(), output, { end: false }) : null;
  if (!frames) socket.pipe(output, { end: false });
  // A process's socket that breaks ends the stream like one that ends; the exit code tells the rest.
  await (frames ?? finished(socket, { writable: false })).catch(() => {});
  output.off("close", leave);
  input.unpipe(socket);
}

function forwardInput(input: Readable, socket: Socket, { tty, detachKeys }: AttachedStreams): void {
  if (!tty || !detachKeys) {
    input.pipe(socket);
    return;
  }
  const keys = new DetachKeys(detachKeys);
  input.on("data", (chunk: Buffer) => {
    if (socket.destroyed) return;
    const { forward, detached } = keys.push(chunk);
    if (forward.length > 0 && !socket.write(forward)) {
      input.pause();
      socket.once("drain", () => input.resume());
    }
    if (detached) socket.destroy();
  });
  input.once("end", () => socket.end());
}

/** What a terminal shows, as frames of standard output. */
function framed(): Transform {
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => done(null, stdcopyFrame(STDCOPY_STREAM.stdout, chunk)),
  });
}

async function sendResult(result: Promise<unknown>, output: Writable): Promise<void> {
  try {
    output.write(stdcopyFrame(STDCOPY_STREAM.result, Buffer.from(JSON.stringify(await result))));
  } catch {
    // Nobody waits any more: the client has gone.
  }
}

/** Docker's shape for an exec that could not start: the reason as output, on stdout's stream. */
function failureText(error: unknown, tty: boolean): Buffer {
  const text = Buffer.from(`${messageOf(error)}\r\n`);
  return tty ? text : stdcopyFrame(STDCOPY_STREAM.stdout, text);
}
