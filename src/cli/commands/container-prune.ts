import { defineCommand } from "../command.ts";
import { confirm } from "../confirm.ts";
import { filterOption } from "../filters.ts";
import { flag } from "../option.ts";
import { prune, reportReclaimed } from "../prune.ts";

export const command = defineCommand({
  name: "container prune",
  summary: "Remove all containers that do not run",
  usage: "[OPTIONS]",
  examples: [{ command: "lighter container prune -f", meaning: "without asking" }],
  options: {
    filter: filterOption({}),
    force: flag("Do not ask", { short: "f" }),
  },
  operands: { minimum: 0, maximum: 0 },
  async run({ options: { filter, force }, engine }) {
    if (!force && !(await confirm("This will remove all stopped containers."))) return 0;
    await reportReclaimed(await prune(await engine(), "containers", filter));
    return 0;
  },
});
