import { createConnection, type Socket } from "node:net";
import { fail, LighterError, messageOf } from "../base/errors.ts";
import { encodeMessage, type Message, type Records, Type, takeMessages } from "./wire.ts";

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
 * has not begun: what came after the answer is still in it.
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
    const { answer, rest } = await firstMessage(socket, path);
    if (answer.type !== Type.OK) throw failure(answer);
    if (rest.length > 0) socket.unshift(rest);
    return { answer, socket };
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function firstMessage(socket: Socket, path: string): Promise<{ answer: Message; rest: Buffer }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ answer: Message; rest: Buffer }>();
  let received: Buffer = Buffer.alloc(0);
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
  // Pulled, not pushed: afterwards the stream is as if nobody had listened, and whoever comes first starts its flow.
  const receive = () => {
    for (let bytes: Buffer | null = socket.read(); bytes; bytes = socket.read())
      received = Buffer.concat([received, bytes]);
    try {
      const { message, rest } = takeFirst(received);
      if (!message) return;
      stop();
      resolve({ answer: message, rest });
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

/** What follows the first message is not one: it must not be parsed. */
function takeFirst(bytes: Buffer): { message: Message | undefined; rest: Buffer } {
  const { messages, rest } = takeMessages(bytes, 1);
  return { message: messages[0], rest };
}

/** @throws internal `SHIM_SPAWN` with what the shim said of itself */
export function spawnFailed(path: string, said: string): never {
  fail("internal", "SHIM_SPAWN", `${path} could not be started: ${said.trim() || "it said nothing"}`);
}
