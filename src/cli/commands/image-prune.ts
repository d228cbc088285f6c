import { defineCommand } from "../command.ts";
import { confirm } from "../confirm.ts";
import { filterOption } from "../filters.ts";
import { flag } from "../option.ts";
import { prune, reportReclaimed } from "../prune.ts";

export const command = defineCommand({
  name: "image prune",
  summary: "Remove images that nothing uses",
  usage: "[OPTIONS]",
  examples: [{ command: "lighter image prune -f", meaning: "without asking" }],
  options: {
    all: flag("Also remove images that have a name but no container", { short: "a" }),
    filter: filterOption({}),
    force: flag("Do not ask", { short: "f" }),
  },
  operands: { minimum: 0, maximum: 0 },
  async run({ options: { all, filter, force }, engine }) {
    const warning = all
      ? "This will remove all images without at least one container associated to them."
      : "This will remove all dangling images.";
    if (!force && !(await confirm(warning))) return 0;
    const filters = all ? [...filter, "dangling=false"] : filter;
    await reportReclaimed(await prune(await engine(), "images", filters));
    return 0;
  },
});
