import type { FileChange } from "../../client/history-documents.ts";
import { defineCommand } from "../command.ts";
import { formatFileChange, summarizeChanges } from "../image/file-changes.ts";
import { flag } from "../option.ts";
import { print } from "../output.ts";
import { printable } from "../printable.ts";

export const command = defineCommand({
  name: "image diff",
  summary: "Show which files differ between two images",
  usage: "[OPTIONS] IMAGE[@PLACE]|CONTAINER IMAGE[@PLACE]|CONTAINER",
  description: `What the second has otherwise than the first: A added, C changed (content, kind, owner, permissions or extended
attributes; times alone do not count), D deleted, with sizes. Files that both have from a common layer are not read.`,
  examples: [
    { command: "lighter image diff my/web:1 my/web:2", meaning: "between two versions" },
    { command: "lighter image diff my/web@1 my/web", meaning: "what the newest layer made of the others" },
    { command: "lighter image diff my/web@{1} my/web", meaning: "since the name was last moved" },
    { command: "lighter image diff my/web box", meaning: "between an image and a container" },
  ],
  options: {
    json: flag("Show the differences as one JSON document"),
    quiet: flag("Show only the paths", { short: "q" }),
  },
  operands: { minimum: 2, maximum: 2 },
  async run({ options: { json, quiet }, operands: [earlier = "", later = ""], engine }) {
    const api = await engine();
    const path = `/lighter/images/${encodeURIComponent(earlier)}/diff`;
    const files = await api.json<FileChange[]>("GET", path, { query: { to: later } });
    if (json) await print(JSON.stringify(files, null, 2));
    else if (quiet) for (const { Path } of files) await print(printable(Path));
    else {
      for (const file of files) await print(formatFileChange(file));
      await print(summarizeChanges(files));
    }
    return 0;
  },
});
