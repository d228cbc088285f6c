import { defineCommand } from "../command.ts";
import { flag } from "../option.ts";
import { removeEach } from "../remove-each.ts";

export const command = defineCommand({
  name: "volume rm",
  summary: "Remove volumes",
  usage: "[OPTIONS] VOLUME [VOLUME...]",
  examples: [{ command: "lighter volume rm old", meaning: "once no container uses it" }],
  options: { force: flag("One that is not there is no failure", { short: "f" }) },
  operands: { minimum: 1 },
  async run({ options: { force }, operands, engine }) {
    return removeEach(await engine(), "/volumes", operands, force === true);
  },
});
