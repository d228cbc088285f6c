import type { ReflogEntry } from "../../client/history-documents.ts";
import { formatAgo } from "../elapsed.ts";
import { type ListFormat, printList } from "../list-format.ts";
import { flag, text, type Values } from "../option.ts";
import { print } from "../output.ts";
import { printable } from "../printable.ts";
import { shortImageId } from "./image-list.ts";

/** What both reflogs, images' and containers', are asked with. */
export const REFLOG_OPTIONS = {
  format: text("table, 'table TEMPLATE', json, or a Go template"),
  json: flag("Show all entries as one JSON document"),
  "no-trunc": flag("Do not shorten anything"),
  quiet: flag("Show only the images' IDs", { short: "q" }),
};

export async function printReflog(
  entries: readonly ReflogEntry[],
  options: Values<typeof REFLOG_OPTIONS>,
): Promise<void> {
  if (options.json) await print(JSON.stringify(entries, null, 2));
  else await printList(entries, reflogFormat(options["no-trunc"]), options);
}

function reflogFormat(noTruncate: boolean): ListFormat<ReflogEntry> {
  return {
    columns: {
      Entry: { header: "ENTRY", value: ({ Entry }) => `@{${Entry}}` },
      ID: { header: "IMAGE ID", value: ({ Id }) => (noTruncate ? Id : shortImageId(Id)) },
      Since: { header: "SINCE", value: ({ Since }) => formatAgo(Date.parse(Since) / 1000) },
      SinceAt: { header: "SINCE", value: ({ Since }) => Since },
      Reason: { header: "REASON", value: ({ Reason }) => Reason },
      Detail: { header: "DETAIL", value: ({ Detail }) => printable(Detail) },
      CreatedBy: { header: "CREATED BY", value: ({ CreatedBy }) => printable(CreatedBy) },
    },
    defaultColumns: ["Entry", "ID", "Since", "Reason", "Detail"],
    quietColumn: "ID",
  };
}
