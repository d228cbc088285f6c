import type { ContainerDocument } from "../../client/container-documents.ts";
import { defineCommand } from "../command.ts";
import { startAttached, startContainer } from "../container/start-attached.ts";
import { describeFailure } from "../describe-failure.ts";
import { flag, text } from "../option.ts";
import { print, printError } from "../output.ts";
import { printTrace } from "../trace.ts";

export const command = defineCommand({
  name: "start",
  summary: "Start containers that do not run",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  aliases: ["container start"],
  examples: [
    { command: "lighter start web db", meaning: "start both in the background" },
    { command: "lighter start -ai shell", meaning: "go on in a shell that was left" },
  ],
  options: {
    attach: flag("Show the output, and pass signals on", { short: "a" }),
    "detach-keys": text("Keys that detach from the container"),
    interactive: flag("Send our input", { short: "i" }),
    "sig-proxy": flag("Pass signals on to the process", { initial: true }),
  },
  operands: { minimum: 1 },
  async run({ options, operands, engine }) {
    const api = await engine();
    if (options.attach || options.interactive) {
      const [name = "", ...others] = operands;
      if (others.length > 0) throw new Error("you cannot start and attach multiple containers at once");
      const container = await api.json<ContainerDocument>("GET", `/containers/${encodeURIComponent(name)}/json`);
      return startAttached(api, container.Id, {
        stdin: options.interactive && container.Config.OpenStdin,
        stdout: true,
        stderr: true,
        tty: container.Config.Tty,
        detachKeys: options["detach-keys"],
        signalProxy: options["sig-proxy"],
        until: "next-exit",
      });
    }
    const failed: string[] = [];
    for (const name of operands) {
      try {
        await printTrace(await startContainer(api, encodeURIComponent(name)));
        await print(name);
      } catch (error) {
        await printError(describeFailure(error));
        failed.push(name);
      }
    }
    if (failed.length > 0) throw new Error(`Error: failed to start containers: ${failed.join(", ")}`);
    return 0;
  },
});
