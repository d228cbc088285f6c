import type { ContainerSummary } from "../../client/container-documents.ts";
import { defineCommand } from "../command.ts";
import { containerListFormat } from "../container/container-list.ts";
import { encodeFilters, filterOption } from "../filters.ts";
import { printList } from "../list-format.ts";
import { flag, integer, text } from "../option.ts";

export const command = defineCommand({
  name: "ps",
  summary: "List containers",
  usage: "[OPTIONS]",
  aliases: ["container ls", "container list", "container ps"],
  examples: [
    { command: "lighter ps -a", meaning: "also those that have ended" },
    { command: "lighter ps -q -f status=exited", meaning: "only IDs, for use in scripts" },
    { command: "lighter ps --format 'table {{.Names}}\\t{{.Status}}'", meaning: "chosen columns" },
  ],
  options: {
    all: flag("Also show containers that do not run", { short: "a" }),
    filter: filterOption(),
    format: text("table, 'table TEMPLATE', json, or a Go template"),
    last: integer("Show the newest containers, so many, whatever their state", { short: "n", shownDefault: "-1" }),
    latest: flag("Show the newest container, whatever its state", { short: "l" }),
    "no-trunc": flag("Do not shorten anything"),
    quiet: flag("Show only IDs", { short: "q" }),
    size: flag("Show how much the containers have written", { short: "s" }),
  },
  operands: { minimum: 0, maximum: 0 },
  async run({ options, engine }) {
    const limit = options.latest ? 1 : options.last;
    const showsSize = options.size || (options.format?.includes(".Size") ?? false);
    const api = await engine();
    const containers = await api.json<ContainerSummary[]>("GET", "/containers/json", {
      query: {
        all: options.all ? 1 : undefined,
        limit: limit !== undefined && limit > 0 ? limit : undefined,
        size: showsSize ? 1 : undefined,
        filters: encodeFilters(options.filter),
      },
    });
    await printList(containers, containerListFormat(options["no-trunc"], options.size), options);
    return 0;
  },
});
