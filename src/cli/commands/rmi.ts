import { LighterError } from "../../base/errors.ts";
import { defineCommand } from "../command.ts";
import { describeFailure } from "../describe-failure.ts";
import { flag, list } from "../option.ts";
import { print, printError } from "../output.ts";

export const command = defineCommand({
  name: "rmi",
  summary: "Remove images",
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  aliases: ["image rm"],
  examples: [{ command: "lighter rmi my/web:1.1", meaning: "take away a name, and with the last name the image" }],
  options: {
    force: flag("Remove it even if containers that have ended use it", { short: "f" }),
    "no-prune": flag("Keep parents that have no name"),
    platform: list("Remove only this platform"),
  },
  operands: { minimum: 1 },
  async run({ options, operands, engine }) {
    const api = await engine();
    const query = { force: options.force ? 1 : undefined, noprune: options["no-prune"] ? 1 : undefined };
    const failures: unknown[] = [];
    for (const name of operands) {
      try {
        const path = `/images/${encodeURIComponent(name)}`;
        const removed = await api.json<{ Untagged?: string; Deleted?: string }[]>("DELETE", path, { query });
        for (const { Untagged, Deleted } of removed)
          await print(Deleted ? `Deleted: ${Deleted}` : `Untagged: ${Untagged}`);
      } catch (error) {
        failures.push(error);
      }
    }
    for (const failure of failures) await printError(describeFailure(failure));
    const missing = (error: unknown) => error instanceof LighterError && error.kind === "not-found";
    return failures.every((failure) => options.force && missing(failure)) ? 0 : 1;
  },
});
