import { defineCommand } from "../command.ts";
import { eachOperand } from "../each-operand.ts";

export const command = defineCommand({
  name: "pause",
  summary: "Suspend all processes of containers",
  usage: "CONTAINER [CONTAINER...]",
  aliases: ["container pause"],
  examples: [{ command: "lighter pause web", meaning: "freeze it where it is" }],
  options: {},
  operands: { minimum: 1 },
  async run({ operands, engine }) {
    const api = await engine();
    return eachOperand(operands, async (name) => {
      await api.send("POST", `/containers/${encodeURIComponent(name)}/pause`);
      return name;
    });
  },
});
