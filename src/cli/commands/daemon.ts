import { logTo } from "../../base/log.ts";
import { READY_FD_VARIABLE } from "../../client/start-engine.ts";
import { defineCommand } from "../command.ts";
import { list, text } from "../option.ts";
import { STDERR } from "../output.ts";

export const command = defineCommand({
  name: "daemon",
  summary: "Run the engine in the foreground, for a service manager",
  usage: "[OPTIONS]",
  description:
    "Other commands start an engine in the background when none listens, so this is needed only to have it started with the machine.",
  examples: [
    { command: "lighter daemon", meaning: "with the default root and socket" },
    { command: "lighter daemon --root /srv/lighter --socket /run/docker.sock", meaning: "in Docker's place" },
  ],
  options: {
    root: text("Directory of the engine's state (default LIGHTER_ROOT, or /var/lib/lighter)"),
    socket: list("Listen at this path"),
  },
  operands: { minimum: 0, maximum: 0 },
  async run({ options: { root, socket } }) {
    const readyFd = process.env[READY_FD_VARIABLE];
    delete process.env[READY_FD_VARIABLE]; // Nothing that the engine starts has this descriptor.
    // The executable is both programs; this command alone reaches the engine's half.
    const { runDaemon } = await import("../../api/daemon.ts");
    await runDaemon({
      root,
      sockets: socket,
      log: logTo(STDERR),
      readyFd: readyFd === undefined ? undefined : Number(readyFd),
    });
    return 0;
  },
});
