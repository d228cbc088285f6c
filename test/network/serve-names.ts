import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { decode, encode } from "dns-packet";

const NO_SUCH_NAME = 3;

/** A DNS server on port 53 of an address, over UDP and TCP, that knows these names; it ends with its scope. */
export async function serveNames(address: string, names: Readonly<Record<string, string>>): Promise<AsyncDisposable> {
  const datagrams = createSocket("udp4");
  datagrams.on("message", (query, from) => datagrams.send(answer(query, names), from.port, from.address));
  datagrams.bind(53, address);
  await once(datagrams, "listening");
  const streams = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", (bytes: Buffer) => {
      const message = answer(bytes.subarray(2), names);
      const head = Buffer.alloc(2);
      head.writeUInt16BE(message.length);
      socket.end(Buffer.concat([head, message]));
    });
  });
  streams.listen(53, address);
  await once(streams, "listening");
  return {
    async [Symbol.asyncDispose]() {
      datagrams.close();
      streams.close();
      await once(streams, "close");
    },
  };
}

function answer(query: Buffer, names: Readonly<Record<string, string>>): Buffer {
  const { id, questions = [] } = decode(query);
  const [question] = questions;
  const data = names[question?.name ?? ""];
  const found = question?.type === "A" && data ? [{ type: "A" as const, name: question.name, data }] : [];
  return encode({ type: "response", id, flags: data ? 0 : NO_SUCH_NAME, questions, answers: found });
}
