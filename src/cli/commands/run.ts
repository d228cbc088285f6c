import { defineCommand } from "../command.ts";
import { containerBody } from "../container/container-body.ts";
import { containerOptions } from "../container/container-options.ts";
import { createContainer } from "../container/create-container.ts";
import { consoleSize, startAttached, startContainer } from "../container/start-attached.ts";
import { startFailureStatus } from "../container/start-failure.ts";
import { flag, text } from "../option.ts";
import { print } from "../output.ts";
import { printTrace, tracePhase } from "../trace.ts";

export const command = defineCommand({
  name: "run",
  summary: "Make a container from an image and run it",
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  aliases: ["container run"],
  examples: [
    { command: "lighter run --rm busybox echo hello", meaning: "run one program and leave nothing behind" },
    { command: "lighter run -it busybox", meaning: "a shell in a container" },
    {
      command: "lighter run -d --name web -p 8080:80 my/web",
      meaning: "a service, published on port 8080 of the host",
    },
    { command: "lighter run --rm -v $PWD:/src -w /src busybox ls", meaning: "work on the current directory" },
    { command: "lighter run --memory 64m --cpus 0.5 busybox sh -c 'sleep 1'", meaning: "with limits" },
  ],
  options: {
    ...containerOptions,
    detach: flag("Run in the background and print the container's ID", { short: "d" }),
    "detach-keys": text("Keys that detach from the container"),
    "sig-proxy": flag("Pass signals on to the process", { initial: true }),
  },
  operands: { minimum: 1 },
  optionsFirst: true,
  failureStatus: startFailureStatus,
  async run({ options, operands, engine }) {
    const { detach, tty, interactive } = options;
    const [image = "", ...words] = operands;
    const asked = containerBody(options, image, words);
    if (detach && options.attach.length > 0)
      throw new Error("conflicting options: cannot specify both --attach and --detach");
    if (tty && asked.AttachStdin && !detach) await checkInputIsTerminal();
    const body = {
      ...asked,
      ...(detach ? { AttachStdin: false, AttachStdout: false, AttachStderr: false, StdinOnce: false } : {}),
      HostConfig: { ...asked.HostConfig, ConsoleSize: tty ? await consoleSize() : undefined },
    };
    const api = await engine();
    const id = await createContainer(api, body, options);
    tracePhase("created");
    if (detach) {
      await printTrace(await startContainer(api, id));
      await print(id);
      return 0;
    }
    return startAttached(api, id, {
      stdin: interactive && asked.AttachStdin === true,
      stdout: asked.AttachStdout === true,
      stderr: asked.AttachStderr === true,
      tty,
      detachKeys: options["detach-keys"],
      signalProxy: options["sig-proxy"],
      until: options.rm ? "removed" : "next-exit",
    });
  },
});

async function checkInputIsTerminal(): Promise<void> {
  const { isTerminal } = await import("../streams/terminal.ts");
  if (!isTerminal(0)) throw new Error("the input device is not a TTY");
}
