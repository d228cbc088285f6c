import type { HistoryEntry } from "../../client/image-documents.ts";
import { formatByteSize } from "../byte-size.ts";
import { defineCommand } from "../command.ts";
import { ellipsis } from "../container/container-list.ts";
import { formatAgo } from "../elapsed.ts";
import { shortImageId } from "../image/image-list.ts";
import { type ListFormat, printList } from "../list-format.ts";
import { flag, text } from "../option.ts";

const SHORT_TEXT = 45;

export const command = defineCommand({
  name: "history",
  summary: "Show how an image came about",
  usage: "[OPTIONS] IMAGE",
  aliases: ["image history"],
  examples: [{ command: "lighter history --no-trunc my/web", meaning: "each step in full" }],
  options: {
    format: text("table, 'table TEMPLATE', json, or a Go template"),
    human: flag("Show sizes and times for people", { short: "H", initial: true }),
    "no-trunc": flag("Do not shorten anything"),
    platform: text("Platform of the image"),
    quiet: flag("Show only IDs", { short: "q" }),
  },
  operands: { minimum: 1, maximum: 1 },
  async run({ options, operands: [name = ""], engine }) {
    const api = await engine();
    const entries = await api.json<HistoryEntry[]>("GET", `/images/${encodeURIComponent(name)}/history`);
    await printList(entries, historyFormat(options["no-trunc"], options.human), options);
    return 0;
  },
});

function historyFormat(noTruncate: boolean, human: boolean): ListFormat<HistoryEntry> {
  const rfc3339 = ({ Created }: HistoryEntry) => new Date(Created * 1000).toISOString().replace(".000Z", "Z");
  return {
    columns: {
      ID: { header: "IMAGE", value: ({ Id }) => (noTruncate || Id === "<missing>" ? Id : shortImageId(Id)) },
      CreatedAt: { header: "CREATED AT", value: rfc3339 },
      CreatedSince: {
        header: human ? "CREATED" : "CREATED AT",
        value: (entry) => (human ? formatAgo(entry.Created) : rfc3339(entry)),
      },
      CreatedBy: {
        header: "CREATED BY",
        value: ({ CreatedBy }) => {
          const line = CreatedBy.replaceAll("\t", " ");
          return noTruncate ? line : ellipsis(line, SHORT_TEXT);
        },
      },
      Size: { header: "SIZE", value: ({ Size }) => (human ? formatByteSize(Size) : String(Size)) },
      Comment: { header: "COMMENT", value: ({ Comment }) => Comment },
    },
    defaultColumns: ["ID", "CreatedSince", "CreatedBy", "Size", "Comment"],
    quietColumn: "ID",
  };
}
