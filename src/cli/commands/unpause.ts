import { defineCommand } from "../command.ts";
import { eachOperand } from "../each-operand.ts";

export const command = defineCommand({
  name: "unpause",
  summary: "Let suspended containers go on",
  usage: "CONTAINER [CONTAINER...]",
  aliases: ["container unpause"],
  examples: [{ command: "lighter unpause web", meaning: "let it go on" }],
  options: {},
  operands: { minimum: 1 },
  async run({ operands, engine }) {
    const api = await engine();
    return eachOperand(operands, async (name) => {
      await api.send("POST", `/containers/${encodeURIComponent(name)}/unpause`);
      return name;
    });
  },
});
