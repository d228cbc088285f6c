import { LighterError } from "../../base/errors.ts";
import { defineCommand } from "../command.ts";
import { describeFailure } from "../describe-failure.ts";
import { eachOperand } from "../each-operand.ts";
import { flag } from "../option.ts";
import { printError } from "../output.ts";

export const command = defineCommand({
  name: "rm",
  summary: "Remove containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  aliases: ["container rm"],
  examples: [
    { command: "lighter rm job", meaning: "remove one that has ended" },
    { command: "lighter rm -fv web", meaning: "kill it first, and remove its anonymous volumes too" },
  ],
  options: {
    force: flag("Kill the container if it runs; one that is not there is no failure", { short: "f" }),
    link: flag("Remove the link, not the container", { short: "l" }),
    volumes: flag("Also remove its anonymous volumes", { short: "v" }),
  },
  operands: { minimum: 1 },
  async run({ options: { force, link, volumes }, operands, engine }) {
    const api = await engine();
    const query = { force: force ? 1 : undefined, link: link ? 1 : undefined, v: volumes ? 1 : undefined };
    return eachOperand(operands, async (name) => {
      try {
        await api.send("DELETE", `/containers/${encodeURIComponent(name.replace(/^\/+/, ""))}`, { query });
        return name;
      } catch (error) {
        if (!force || !(error instanceof LighterError) || error.kind !== "not-found") throw error;
        await printError(describeFailure(error));
        return null;
      }
    });
  },
});
