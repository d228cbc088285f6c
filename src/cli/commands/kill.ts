import { defineCommand } from "../command.ts";
import { eachOperand } from "../each-operand.ts";
import { text } from "../option.ts";

export const command = defineCommand({
  name: "kill",
  summary: "Send a signal to running containers, SIGKILL by default",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  aliases: ["container kill"],
  examples: [
    { command: "lighter kill web", meaning: "end it at once" },
    { command: "lighter kill -s HUP web", meaning: "make it read its configuration again" },
  ],
  options: { signal: text("Signal to send", { short: "s" }) },
  operands: { minimum: 1 },
  async run({ options: { signal }, operands, engine }) {
    const api = await engine();
    return eachOperand(operands, async (name) => {
      await api.send("POST", `/containers/${encodeURIComponent(name)}/kill`, { query: { signal } });
      return name;
    });
  },
});
