import { readText } from "../../client/api.ts";
import type { ContainerDocument, WaitAnswer } from "../../client/container-documents.ts";
import { defineCommand } from "../command.ts";
import { followTerminalSize } from "../container/start-attached.ts";
import { flag, text } from "../option.ts";
import { printError } from "../output.ts";
import { forwardSignals } from "../streams/forward-signals.ts";
import { pump } from "../streams/pump.ts";

export const command = defineCommand({
  name: "attach",
  summary: "Connect our input and output with a running container's",
  usage: "[OPTIONS] CONTAINER",
  aliases: ["container attach"],
  examples: [
    { command: "lighter attach web", meaning: "leave it running again with ctrl-p ctrl-q" },
    { command: "lighter attach --no-stdin --sig-proxy=false web", meaning: "only look" },
  ],
  options: {
    "detach-keys": text("Keys that detach from the container"),
    "no-stdin": flag("Do not send our input"),
    "sig-proxy": flag("Pass signals on to the process", { initial: true }),
  },
  operands: { minimum: 1, maximum: 1 },
  async run({ options, operands: [name = ""], engine }) {
    const api = await engine();
    const container = await api.json<ContainerDocument>("GET", `/containers/${encodeURIComponent(name)}/json`);
    if (!container.State.Running) throw new Error("You cannot attach to a stopped container, start it first");
    if (container.State.Paused) throw new Error("You cannot attach to a paused container, unpause it first");
    const tty = container.Config.Tty;
    const stdin = !options["no-stdin"] && container.Config.OpenStdin;
    const detachKeys = options["detach-keys"];
    const query = { stream: 1, stdin: stdin ? 1 : 0, stdout: 1, stderr: 1, detachKeys };
    const [{ stream }, waiting] = await Promise.all([
      api.upgrade("POST", `/containers/${container.Id}/attach`, { query }),
      api.call("POST", `/containers/${container.Id}/wait`),
    ]);
    if (options["sig-proxy"] && !tty) forwardSignals(api, container.Id);
    const output = pump({ stream, tty, framed: !tty, stdin, detachKeys });
    if (tty) await followTerminalSize(api, `/containers/${container.Id}/resize`);
    if ((await output) === "detached") {
      await printError("read escape sequence");
      return 0;
    }
    const answer: WaitAnswer = JSON.parse(await readText(waiting.body));
    if (answer.Error?.Message) throw new Error(answer.Error.Message);
    return answer.StatusCode;
  },
});
