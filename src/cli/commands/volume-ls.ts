import type { VolumeDocument } from "../../client/resource-documents.ts";
import { defineCommand } from "../command.ts";
import { encodeFilters, filterOption } from "../filters.ts";
import { printList } from "../list-format.ts";
import { flag, text } from "../option.ts";
import { volumeListFormat } from "../volume-list.ts";

export const command = defineCommand({
  name: "volume ls",
  summary: "List volumes",
  usage: "[OPTIONS]",
  aliases: ["volume list"],
  examples: [{ command: "lighter volume ls -qf dangling=true", meaning: "names of those that no container uses" }],
  options: {
    filter: filterOption(),
    format: text("table, 'table TEMPLATE', json, or a Go template"),
    quiet: flag("Show only names", { short: "q" }),
  },
  operands: { minimum: 0, maximum: 0 },
  async run({ options, engine }) {
    const api = await engine();
    const query = { filters: encodeFilters(options.filter) };
    const { Volumes } = await api.json<{ Volumes: VolumeDocument[] | null }>("GET", "/volumes", { query });
    const volumes = [...(Volumes ?? [])].sort((a, b) => (a.Name < b.Name ? -1 : 1));
    await printList(volumes, volumeListFormat(), options);
    return 0;
  },
});
