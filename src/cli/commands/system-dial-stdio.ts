import { connect, type Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import type { Address } from "../../base/engine-address.ts";
import { errnoOf, fail } from "../../base/errors.ts";
import type { TlsCredentials } from "../../client/tls-credentials.ts";
import { defineCommand } from "../command.ts";

export const command = defineCommand({
  name: "system dial-stdio",
  summary: "Connect standard input and output with the engine's socket",
  usage: "",
  description: "Docker's clients run this over ssh to reach an engine on another machine.",
  examples: [{ command: "DOCKER_HOST=ssh://root@other docker ps", meaning: "what runs it on the other machine" }],
  options: {},
  operands: { minimum: 0, maximum: 0 },
  async run({ connectedEngine }) {
    const { address, tls } = await connectedEngine();
    if (address.kind === "ssh") fail("invalid", "INVALID_HOST", "an engine behind ssh cannot be dialled from here");
    const socket = address.kind === "unix" ? connect(address.path) : await dial(address, tls);
    socket.setNoDelay();
    // Either side may end first, and the other may still have something to say.
    await Promise.all([pipeline(process.stdin, socket), pipeline(socket, process.stdout)].map(untilClosed));
    return 0;
  },
});

/** A side that closes is how a conversation ends. */
async function untilClosed(flow: Promise<void>): Promise<void> {
  try {
    await flow;
  } catch (error) {
    if (!["ERR_STREAM_PREMATURE_CLOSE", "EPIPE", "ECONNRESET"].includes(errnoOf(error) ?? "")) throw error;
  }
}

async function dial({ host, port }: Extract<Address, { kind: "tcp" }>, tls: TlsCredentials | null): Promise<Socket> {
  if (tls === null) return connect({ host, port });
  const { connect: connectSecurely } = await import("node:tls");
  const { ca, cert, key, verify } = tls;
  return connectSecurely({ host, port, servername: host, ca, cert, key, rejectUnauthorized: verify });
}
