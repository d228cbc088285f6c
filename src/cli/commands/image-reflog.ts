import type { ReflogEntry } from "../../client/history-documents.ts";
import { defineCommand } from "../command.ts";
import { printReflog, REFLOG_OPTIONS } from "../image/reflog-list.ts";

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
  options: REFLOG_OPTIONS,
  operands: { minimum: 1, maximum: 1 },
  async run({ options, operands: [name = ""], engine }) {
    const api = await engine();
    await printReflog(
      await api.json<ReflogEntry[]>("GET", `/lighter/images/${encodeURIComponent(name)}/reflog`),
      options,
    );
    return 0;
  },
});
