/** A client of the resolver inside a network namespace: `udp|tcp HEX`, sends the bytes as they are, prints the answer's. */
import { createSocket } from "node:dgram";
import { connect } from "node:net";

const [protocol, hex = ""] = process.argv.slice(2);
const message = Buffer.from(hex, "hex");
/** Silence is an answer, too. */
const PATIENCE_MS = 500;
const finish = (answer: Uint8Array) => {
  console.log(Buffer.from(answer).toString("hex"));
  process.exit(0);
};

if (protocol === "udp") {
  const socket = createSocket("udp4");
  socket.on("message", finish);
  socket.connect(53, "127.0.0.11", () => socket.send(message));
  setTimeout(finish, PATIENCE_MS, new Uint8Array());
} else {
  const socket = connect({ host: "127.0.0.11", port: 53 });
  let received = Buffer.alloc(0);
  socket.on("error", () => finish(received));
  socket.on("close", () => finish(received));
  socket.on("data", (bytes: Buffer) => {
    received = Buffer.concat([received, bytes]);
    if (received.length >= 2 && received.length >= received.readUInt16BE(0) + 2) finish(received.subarray(2));
  });
  const head = Buffer.alloc(2);
  head.writeUInt16BE(message.length);
  socket.write(Buffer.concat([head, message]));
  setTimeout(() => finish(received), PATIENCE_MS * 4);
}
