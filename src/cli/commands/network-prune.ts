import { defineCommand } from "../command.ts";
import { confirm } from "../confirm.ts";
import { filterOption } from "../filters.ts";
import { flag } from "../option.ts";
import { prune } from "../prune.ts";

export const command = defineCommand({
  name: "network prune",
  summary: "Remove all networks that no container uses",
  usage: "[OPTIONS]",
  examples: [{ command: "lighter network prune -f", meaning: "without asking" }],
  options: {
    filter: filterOption({}),
    force: flag("Do not ask", { short: "f" }),
  },
  operands: { minimum: 0, maximum: 0 },
  async run({ options: { filter, force }, engine }) {
    if (!force && !(await confirm("This will remove all custom networks not used by at least one container.")))
      return 0;
    await prune(await engine(), "networks", filter);
    return 0;
  },
});
