import { LighterError } from "../../base/errors.ts";
import { defineCommand } from "../command.ts";
import { eachOperand } from "../each-operand.ts";
import { flag } from "../option.ts";

export const command = defineCommand({
  name: "network rm",
  summary: "Remove networks",
  usage: "[OPTIONS] NETWORK [NETWORK...]",
  examples: [{ command: "lighter network rm old", meaning: "once no container uses it" }],
  options: { force: flag("One that is not there is no failure", { short: "f" }) },
  operands: { minimum: 1 },
  async run({ options: { force }, operands, engine }) {
    const api = await engine();
    return eachOperand(operands, async (name) => {
      try {
        await api.send("DELETE", `/networks/${encodeURIComponent(name)}`, { query: { force: force ? 1 : undefined } });
        return name;
      } catch (error) {
        if (!force || !(error instanceof LighterError) || error.kind !== "not-found") throw error;
        return null;
      }
    });
  },
});
