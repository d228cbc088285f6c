/** One end of a conversation, run inside a network namespace: `serve PROTOCOL PORT` or `ask PROTOCOL PORT HOST`. */
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { ask } from "./ask.ts";

const [role, protocol, portText, host = ""] = process.argv.slice(2);
const port = Number(portText);

if (role === "ask") {
  console.log(await ask(protocol === "udp" ? "udp" : "tcp", host, port));
  process.exit(0);
}
if (protocol === "udp") {
  const socket = createSocket("udp4");
  socket.on("message", (_, from) => socket.send(from.address, from.port, from.address));
  socket.bind(port, "0.0.0.0", () => console.log("listening"));
} else {
  // Port 7 is an echo server (RFC 862), for connections that stay open.
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    if (port === 7) socket.pipe(socket);
    else socket.end(socket.remoteAddress ?? "");
  });
  server.listen(port, "0.0.0.0", () => console.log("listening"));
}
