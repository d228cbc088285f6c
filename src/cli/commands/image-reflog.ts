import type { ReflogEntry } from "../../client/history-documents.ts";
import { defineCommand } from "../command.ts";
import { formatAgo } from "../elapsed.ts";
import { shortImageId } from "../image/image-list.ts";
import { type ListFormat, printList } from "../list-format.ts";
import { flag, text } from "../option.ts";
import { print } from "../output.ts";

export const command = defineCommand({
  name: "image reflog",
  summary: "Show what an image's name has stood for",
  usage: "[OPTIONS] IMAGE",
  description: `Newest first: @{0} is the image that has the name, @{1} the one that had it before. 'rollback IMAGE @{1}' gives the
name back. Entries are kept for 30 days, as long as their image is there and the name is.`,
  examples: [
    { command: "lighter image reflog my/web", meaning: "what moved the name, and when" },
    { command: "lighter image reflog --format '{{.Entry}} {{.ID}} {{.SinceAt}}' my/web", meaning: "as wanted" },
  ],
  options: {
    format: text("table, 'table TEMPLATE', json, or a Go template"),
    json: flag("Show all entries as one JSON document"),
    "no-trunc": flag("Do not shorten anything"),
    quiet: flag("Show only the images' IDs", { short: "q" }),
  },
  operands: { minimum: 1, maximum: 1 },
  async run({ options, operands: [name = ""], engine }) {
    const api = await engine();
    const entries = await api.json<ReflogEntry[]>("GET", `/lighter/images/${encodeURIComponent(name)}/reflog`);
    if (options.json) await print(JSON.stringify(entries, null, 2));
    else await printList(entries, reflogFormat(options["no-trunc"]), options);
    return 0;
  },
});

function reflogFormat(noTruncate: boolean): ListFormat<ReflogEntry> {
  return {
    columns: {
      Entry: { header: "ENTRY", value: ({ Entry }) => `@{${Entry}}` },
      ID: { header: "IMAGE ID", value: ({ Id }) => (noTruncate ? Id : shortImageId(Id)) },
      Since: { header: "SINCE", value: ({ Since }) => formatAgo(Date.parse(Since) / 1000) },
      SinceAt: { header: "SINCE", value: ({ Since }) => Since },
      Reason: { header: "REASON", value: ({ Reason }) => Reason },
      Detail: { header: "DETAIL", value: ({ Detail }) => Detail },
      CreatedBy: { header: "CREATED BY", value: ({ CreatedBy }) => CreatedBy },
    },
    defaultColumns: ["Entry", "ID", "Since", "Reason", "Detail"],
    quietColumn: "ID",
  };
}
