import { defineCommand } from "../command.ts";
import { eachOperand } from "../each-operand.ts";
import { integer, text } from "../option.ts";

export const command = defineCommand({
  name: "stop",
  summary: "Stop running containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  aliases: ["container stop"],
  examples: [
    { command: "lighter stop web", meaning: "ask it to end, and kill it after ten seconds" },
    { command: "lighter stop -t 1 $(lighter ps -q)", meaning: "stop everything, with little patience" },
  ],
  options: {
    signal: text("Signal to send", { short: "s" }),
    timeout: integer("Seconds to wait before killing", { short: "t", aliases: ["time"] }),
  },
  operands: { minimum: 1 },
  async run({ options: { signal, timeout }, operands, engine }) {
    const api = await engine();
    return eachOperand(operands, async (name) => {
      await api.send("POST", `/containers/${encodeURIComponent(name)}/stop`, { query: { signal, t: timeout } });
      return name;
    });
  },
});
