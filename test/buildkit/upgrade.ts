import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A connection to the engine that has become another protocol's, asked for as Docker's clients ask (`DialHijack`). */
export async function upgrade(
  socketPath: string,
  path: string,
  headers: readonly (readonly [name: string, value: string])[] = [],
): Promise<Socket> {
  const socket = connect(socketPath);
  const lines = [
    `POST ${path} HTTP/1.1`,
    "Host: docker",
    "Connection: Upgrade",
    "Upgrade: h2c",
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  let head = Buffer.alloc(0);
  while (!head.includes("\r\n\r\n")) {
    const [chunk] = (await once(socket, "data")) as [Buffer];
    head = Buffer.concat([head, chunk]);
  }
  const end = head.indexOf("\r\n\r\n");
  const status = head.subarray(0, end).toString();
  if (!status.startsWith("HTTP/1.1 101 ")) {
    socket.destroy();
    throw new Error(`${path} was not upgraded: ${head}`);
  }
  // Nobody listens until HTTP/2 does, and what came early goes back.
  socket.pause();
  if (head.length > end + 4) socket.unshift(head.subarray(end + 4));
  return socket;
}
