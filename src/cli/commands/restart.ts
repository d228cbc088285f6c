import { defineCommand } from "../command.ts";
import { eachOperand } from "../each-operand.ts";
import { integer, text } from "../option.ts";

export const command = defineCommand({
  name: "restart",
  summary: "Stop containers and start them again",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  aliases: ["container restart"],
  examples: [{ command: "lighter restart -t 2 web", meaning: "with two seconds to end in" }],
  options: {
    signal: text("Signal to send", { short: "s" }),
    timeout: integer("Seconds to wait before killing", { short: "t", aliases: ["time"] }),
  },
  operands: { minimum: 1 },
  async run({ options: { signal, timeout }, operands, engine }) {
    const api = await engine();
    return eachOperand(operands, async (name) => {
      await api.send("POST", `/containers/${encodeURIComponent(name)}/restart`, { query: { signal, t: timeout } });
      return name;
    });
  },
});
