import type { ExecConfig } from "../../client/container-documents.ts";
import { defineCommand } from "../command.ts";
import { collectEnvironment, parseVariable } from "../container/environment.ts";
import { consoleSize, runAttached } from "../container/start-attached.ts";
import { flag, list, text } from "../option.ts";

export const command = defineCommand({
  name: "exec",
  summary: "Run a command in a running container",
  usage: "[OPTIONS] CONTAINER COMMAND [ARG...]",
  aliases: ["container exec"],
  examples: [
    { command: "lighter exec web cat /etc/hostname", meaning: "run one command" },
    { command: "lighter exec -it web sh", meaning: "a shell in a running container" },
    {
      command: "lighter exec -e DEBUG=1 -w /srv -u www web ./check",
      meaning: "with a variable, a directory and a user",
    },
  ],
  options: {
    detach: flag("Run in the background", { short: "d" }),
    "detach-keys": text("Keys that detach from the command"),
    env: list("Set an environment variable", { short: "e" }, parseVariable),
    "env-file": list("Read environment variables from a file"),
    interactive: flag("Keep stdin open", { short: "i" }),
    privileged: flag("Give the command the host's privileges"),
    tty: flag("Allocate a terminal", { short: "t" }),
    user: text("User and group (name|uid[:group|gid])", { short: "u" }),
    workdir: text("Working directory in the container", { short: "w" }),
  },
  operands: { minimum: 2 },
  optionsFirst: true,
  async run({ options, operands, engine }) {
    const [container = "", ...words] = operands;
    const { detach, tty, interactive } = options;
    if (interactive && tty && !detach && !(await import("../streams/terminal.ts")).isTerminal(0)) {
      throw new Error("the input device is not a TTY");
    }
    const config: ExecConfig = {
      AttachStdin: interactive && !detach,
      AttachStdout: !detach,
      AttachStderr: !detach,
      DetachKeys: options["detach-keys"],
      Tty: tty,
      ConsoleSize: tty && !detach ? await consoleSize() : undefined,
      Env: collectEnvironment(options["env-file"], options.env),
      Cmd: words,
      Privileged: options.privileged,
      User: options.user,
      WorkingDir: options.workdir,
    };
    const api = await engine();
    if (detach) {
      const { Id } = await api.json<{ Id: string }>("POST", `/containers/${encodeURIComponent(container)}/exec`, {
        json: config,
      });
      await api.send("POST", `/exec/${Id}/start`, { json: { Detach: true, Tty: tty } });
      return 0;
    }
    const session = { stdin: interactive, tty, detachKeys: options["detach-keys"] };
    return runAttached(api, `/lighter/containers/${encodeURIComponent(container)}/exec`, session, {
      json: config,
      resizePath: (headers) => `/exec/${headers.get("lighter-exec")}/resize`,
    });
  },
});
