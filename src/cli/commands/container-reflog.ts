import type { ReflogEntry } from "../../client/history-documents.ts";
import { defineCommand } from "../command.ts";
import { printReflog, REFLOG_OPTIONS } from "../image/reflog-list.ts";

export const command = defineCommand({
  name: "container reflog",
  summary: "Show a container's commits, rollbacks and rebases",
  usage: "[OPTIONS] CONTAINER",
  description: `Newest first: what its files were, as images. 'rollback CONTAINER @{1}' goes back to the last but one, also after a
rollback. Entries are kept for 30 days, as long as their image and the container are there.`,
  examples: [
    { command: "lighter container reflog db", meaning: "what there is to go back to" },
    { command: "lighter container reflog --format '{{.Entry}} {{.ID}} {{.Detail}}' db", meaning: "as wanted" },
  ],
  options: REFLOG_OPTIONS,
  operands: { minimum: 1, maximum: 1 },
  async run({ options, operands: [name = ""], engine }) {
    const api = await engine();
    const path = `/lighter/containers/${encodeURIComponent(name)}/reflog`;
    await printReflog(await api.json<ReflogEntry[]>("GET", path), options);
    return 0;
  },
});
