import { connect } from "node:net";
import { pipeline } from "node:stream/promises";
import { defineCommand } from "../command.ts";

export const command = defineCommand({
  name: "system dial-stdio",
  summary: "Connect standard input and output with the engine's socket",
  usage: "",
  description: "Docker's clients run this over ssh to reach an engine on another machine.",
  examples: [{ command: "DOCKER_HOST=ssh://root@other docker ps", meaning: "what runs it on the other machine" }],
  options: {},
  operands: { minimum: 0, maximum: 0 },
  async run({ engineAddress }) {
    const address = await engineAddress();
    const socket = connect(address.kind === "unix" ? { path: address.path } : address);
    socket.setNoDelay();
    // Either side may end first, and the other may still have something to say.
    await Promise.all([pipeline(process.stdin, socket), pipeline(socket, process.stdout)]);
    return 0;
  },
});
