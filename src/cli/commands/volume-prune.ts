import { defineCommand } from "../command.ts";
import { confirm } from "../confirm.ts";
import { filterOption } from "../filters.ts";
import { flag } from "../option.ts";
import { prune, reportReclaimed } from "../prune.ts";

export const command = defineCommand({
  name: "volume prune",
  summary: "Remove volumes that no container uses",
  usage: "[OPTIONS]",
  examples: [{ command: "lighter volume prune -f", meaning: "without asking" }],
  options: {
    all: flag("Also remove volumes that have a name", { short: "a" }),
    filter: filterOption({}),
    force: flag("Do not ask", { short: "f" }),
  },
  operands: { minimum: 0, maximum: 0 },
  async run({ options: { all, filter, force }, engine }) {
    const warning = all
      ? "This will remove all local volumes not used by at least one container."
      : "This will remove anonymous local volumes not used by at least one container.";
    if (!force && !(await confirm(warning))) return 0;
    const filters = all ? [...filter, "all=true"] : filter;
    await reportReclaimed(await prune(await engine(), "volumes", filters));
    return 0;
  },
});
