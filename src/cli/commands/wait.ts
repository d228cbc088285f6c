import type { WaitAnswer } from "../../client/container-documents.ts";
import { defineCommand } from "../command.ts";
import { eachOperand } from "../each-operand.ts";

export const command = defineCommand({
  name: "wait",
  summary: "Wait until containers have ended, then print their exit statuses",
  usage: "CONTAINER [CONTAINER...]",
  aliases: ["container wait"],
  examples: [{ command: "lighter wait job", meaning: "block until it has ended" }],
  options: {},
  operands: { minimum: 1 },
  async run({ operands, engine }) {
    const api = await engine();
    return eachOperand(operands, async (name) => {
      const answer = await api.json<WaitAnswer>("POST", `/containers/${encodeURIComponent(name)}/wait`);
      if (answer.Error?.Message) throw new Error(answer.Error.Message);
      return String(answer.StatusCode);
    });
  },
});
