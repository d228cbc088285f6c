import { createConnection, type Socket } from "node:net";
import { fail, LighterError, messageOf } from "../base/errors.ts";
import { bodyLength, encodeMessage, HEADER_BYTES, type Message, type Records, Type, takeMessages } from "./wire.ts";

/**
 * A connection to a shim. Each half ends by itself: the end of a client's input is not the end of its output.
 * @throws unavailable `SHIM_GONE`
 */
export function openSocket(path: string): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = createConnection({ path, allowHalfOpen: true });
  const refuse = (error: unknown) => reject(shimGone(path, error));
  socket.once("error", refuse);
  socket.once("connect", () => {
    socket.off("error", refuse);
    resolve(socket);
  });
  return promise;
}

export function shimGone(path: string, cause?: unknown): LighterError {
  const reason = cause === undefined ? "it has left" : messageOf(cause);
  return new LighterError("unavailable", "SHIM_GONE", `no shim answers on ${path}: ${reason}`, { cause });
}

/**
 * One request on a connection of its own, which carries raw bytes after the answer. The socket's flow
 * has not begun: what comes after the answer is still in it.
 * @param failure makes the error out of a refusal
 */
export async function askOnce(
  path: string,
  type: number,
  records: Records,
  failure: (answer: Message) => unknown,
): Promise<{ answer: Message; socket: Socket }> {
  const socket = await openSocket(path);
  try {
    socket.write(encodeMessage(type, 1, records));
    const answer = await firstMessage(socket, path);
    if (answer.type !== Type.OK) throw failure(answer);
    return { answer, socket };
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** Reads exactly one message: what follows is not one, and stays in the stream for whoever reads next. */
function firstMessage(socket: Socket, path: string): Promise<Message> {
  const { promise, resolve, reject } = Promise.withResolvers<Message>();
  let head: Buffer | null = null;
  const stop = () => {
    socket.off("readable", receive);
    socket.off("end", lost);
    socket.off("close", lost);
    socket.off("error", reject);
  };
  const lost = () => {
    stop();
    reject(shimGone(path));
  };
  const receive = () => {
    try {
      head ??= socket.read(HEADER_BYTES);
      if (!head) return;
      const length = bodyLength(head);
      const body: Buffer | null = length === 0 ? Buffer.alloc(0) : socket.read(length);
      if (!body) return;
      stop();
      const [answer] = takeMessages(Buffer.concat([head, body])).messages;
      if (answer) resolve(answer);
      else lost(); // cut short: the shim went in the middle of it
    } catch (error) {
      stop();
      reject(error);
    }
  };
  socket.on("readable", receive);
  socket.on("end", lost);
  socket.on("close", lost);
  socket.on("error", reject);
  return promise;
}

/** @throws internal `SHIM_SPAWN` with what the shim said of itself */
export function spawnFailed(path: string, said: string): never {
  fail("internal", "SHIM_SPAWN", `${path} could not be started: ${said.trim() || "it said nothing"}`);
}
