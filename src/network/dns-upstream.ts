import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { connect, isIPv6 } from "node:net";
import { isAnswerTo, Rcode, rcodeOf, withId } from "./dns-message.ts";

/** All servers together may take this long: a container's own resolver gives up after five seconds. */
const PATIENCE_MS = 4_000;
const MAX_SERVERS = 3;
/** Queries that wait for a server at the same time, of all containers together; each has a socket of its own. */
const MAX_WAITING = 256;
const MAX_MESSAGE_BYTES = 65_535;
const PORT = 53;

let waiting = 0;

/**
 * Asks one server after the other, from a port and under a number that nobody can guess, until one has an answer that is
 * not its own failure. @returns null where none has.
 */
export async function askUpstream(
  query: Uint8Array,
  servers: readonly string[],
  stream: boolean,
): Promise<Uint8Array | null> {
  if (waiting >= MAX_WAITING) return null;
  const asked = servers.slice(0, MAX_SERVERS);
  waiting += 1;
  try {
    for (const server of asked) {
      const timeout = AbortSignal.timeout(Math.floor(PATIENCE_MS / asked.length));
      const numbered = withId(query, randomInt(0x1_0000));
      const answer = await (stream ? askByStream(numbered, server, timeout) : askByDatagram(numbered, server, timeout));
      if (answer && !isServersFault(answer)) return withId(answer, Buffer.from(query).readUInt16BE(0));
    }
    return null;
  } finally {
    waiting -= 1;
  }
}

/** Refusals count: the next server may know better. "No such name" is an answer. */
function isServersFault(answer: Uint8Array): boolean {
  const code = rcodeOf(answer);
  return code !== Rcode.OK && code !== Rcode.NO_SUCH_NAME;
}

function askByDatagram(query: Uint8Array, server: string, timeout: AbortSignal): Promise<Uint8Array | null> {
  const { promise, resolve } = Promise.withResolvers<Uint8Array | null>();
  const socket = createSocket(isIPv6(server) ? "udp6" : "udp4");
  const giveUp = () => resolve(null);
  timeout.addEventListener("abort", giveUp);
  socket.on("error", giveUp);
  socket.on("message", (message) => {
    if (isAnswerTo(query, message)) resolve(message);
  });
  socket.on("connect", () => {
    try {
      socket.send(query, (error) => error && giveUp());
    } catch {
      giveUp(); // Bun says "connect" for an address that cannot be connected to, too (255.255.255.255).
    }
  });
  // Connected: the kernel drops what others send, and tells when nobody listens there.
  socket.connect(PORT, server);
  return promise.finally(() => {
    timeout.removeEventListener("abort", giveUp);
    socket.close();
  });
}

function askByStream(query: Uint8Array, server: string, timeout: AbortSignal): Promise<Uint8Array | null> {
  const { promise, resolve } = Promise.withResolvers<Uint8Array | null>();
  const socket = connect({ host: server, port: PORT });
  const giveUp = () => resolve(null);
  timeout.addEventListener("abort", giveUp);
  let received = Buffer.alloc(0);
  socket.on("error", giveUp);
  socket.on("close", giveUp);
  socket.on("data", (bytes: Buffer) => {
    received = Buffer.concat([received, bytes]);
    if (received.length < 2) return;
    const length = received.readUInt16BE(0);
    if (received.length > length + 2 || received.length > MAX_MESSAGE_BYTES + 2) giveUp();
    if (received.length !== length + 2) return;
    const message = received.subarray(2);
    resolve(isAnswerTo(query, message) ? message : null);
  });
  const head = Buffer.alloc(2);
  head.writeUInt16BE(query.length);
  socket.write(Buffer.concat([head, query]));
  return promise.finally(() => {
    timeout.removeEventListener("abort", giveUp);
    socket.destroy();
  });
}
