import { defineCommand } from "../command.ts";
import { flag } from "../option.ts";
import { removeEach } from "../remove-each.ts";

export const command = defineCommand({
  name: "network rm",
  summary: "Remove networks",
  usage: "[OPTIONS] NETWORK [NETWORK...]",
  examples: [{ command: "lighter network rm old", meaning: "once no container uses it" }],
  options: { force: flag("One that is not there is no failure", { short: "f" }) },
  operands: { minimum: 1 },
  async run({ options: { force }, operands, engine }) {
    return removeEach(await engine(), "/networks", operands, force === true);
  },
});
