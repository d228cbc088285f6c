import { defineCommand } from "../command.ts";
import { confirm } from "../confirm.ts";
import { filterOption } from "../filters.ts";
import { flag } from "../option.ts";
import { type PrunedKind, prune, reportReclaimed } from "../prune.ts";

export const command = defineCommand({
  name: "system prune",
  summary: "Remove everything that nothing uses",
  usage: "[OPTIONS]",
  examples: [
    { command: "lighter system prune", meaning: "after asking" },
    { command: "lighter system prune -af --volumes", meaning: "without asking; images with names and volumes too" },
  ],
  options: {
    all: flag("Also remove images that have a name but no container", { short: "a" }),
    filter: filterOption({}),
    force: flag("Do not ask", { short: "f" }),
    volumes: flag("Also remove anonymous volumes"),
  },
  operands: { minimum: 0, maximum: 0 },
  async run({ options: { all, filter, force, volumes }, engine }) {
    const items = [
      "all stopped containers",
      "all networks not used by at least one container",
      ...(volumes ? ["all anonymous volumes not used by at least one container"] : []),
      all ? "all images without at least one container associated to them" : "all dangling images",
      all ? "all build cache" : "unused build cache",
    ];
    const warning = `This will remove:\n${items.map((item) => `  - ${item}\n`).join("")}`;
    if (!force && !(await confirm(warning))) return 0;
    const api = await engine();
    const kinds: PrunedKind[] = ["containers", "networks", ...(volumes ? ["volumes" as const] : []), "images", "build"];
    let reclaimed = 0;
    for (const kind of kinds) {
      const filters = kind === "images" && all ? [...filter, "dangling=false"] : filter;
      reclaimed += await prune(api, kind, filters, all);
    }
    await reportReclaimed(reclaimed);
    return 0;
  },
});
