import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { text } from "node:stream/consumers";

/** Long enough for a busy machine; a packet that was dropped is never answered. */
const PATIENCE_MS = 700;

/** What the server of `peer.ts` answers; "" where it refuses or does not answer in time. */
export function ask(protocol: "tcp" | "udp", host: string, port: number): Promise<string> {
  return protocol === "tcp" ? askTcp(host, port) : askUdp(host, port);
}

async function askTcp(host: string, port: number): Promise<string> {
  const socket = connect({ host, port });
  const timer = setTimeout(() => socket.destroy(new Error("no answer")), PATIENCE_MS);
  try {
    return await text(socket);
  } catch {
    return "";
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

function askUdp(host: string, port: number): Promise<string> {
  const socket = createSocket("udp4");
  const answer = new Promise<string>((resolve) => {
    socket.once("message", (message) => resolve(message.toString()));
    socket.once("error", () => resolve(""));
    setTimeout(() => resolve(""), PATIENCE_MS).unref();
  });
  socket.send("?", port, host);
  return answer.finally(() => socket.close());
}
