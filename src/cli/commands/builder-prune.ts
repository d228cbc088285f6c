import { defineCommand } from "../command.ts";
import { confirm } from "../confirm.ts";
import { filterOption } from "../filters.ts";
import { flag } from "../option.ts";
import { prune, reportReclaimed } from "../prune.ts";

export const command = defineCommand({
  name: "builder prune",
  summary: "Free what builds keep: results of steps and cache mounts",
  usage: "[OPTIONS]",
  examples: [
    { command: "lighter builder prune -af", meaning: "everything, without asking" },
    { command: "lighter builder prune --filter until=24h", meaning: "what was not used for a day" },
  ],
  options: {
    all: flag("Also forget what images stand on", { short: "a" }),
    filter: filterOption({}),
    force: flag("Do not ask", { short: "f" }),
  },
  operands: { minimum: 0, maximum: 0 },
  async run({ options: { all, filter, force }, engine }) {
    const warning = all
      ? "This will remove all build cache."
      : "This will remove all build cache that no image stands on.";
    if (!force && !(await confirm(warning))) return 0;
    await reportReclaimed(await prune(await engine(), "build", filter, all));
    return 0;
  },
});
