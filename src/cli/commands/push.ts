import { registryAuthHeader } from "../../client/registry-credentials.ts";
import { defineCommand } from "../command.ts";
import { splitReference } from "../image/pull-image.ts";
import { flag } from "../option.ts";
import { print } from "../output.ts";
import { type ProgressDocument, showProgress } from "../progress.ts";

export const command = defineCommand({
  name: "push",
  summary: "Send an image to a registry",
  usage: "[OPTIONS] NAME[:TAG]",
  aliases: ["image push"],
  examples: [
    { command: "lighter push localhost:5000/my/web:2", meaning: "to the registry in the image's name" },
    { command: "lighter push -a localhost:5000/my/web", meaning: "all its tags" },
  ],
  options: {
    "all-tags": flag("Send all tags of the repository", { short: "a" }),
    "disable-content-trust": flag("Accepted for compatibility; images are not signed", { initial: true }),
    quiet: flag("Do not show progress", { short: "q" }),
  },
  operands: { minimum: 1, maximum: 1 },
  async run({ options: { "all-tags": allTags, quiet }, operands: [image = ""], engine }) {
    const { repository, tag } = splitReference(image);
    if (allTags && tag !== "") throw new Error("tag can't be used with --all-tags/-a");
    if (!allTags && tag === "" && !quiet) await print("Using default tag: latest");
    const headers = await registryAuthHeader(image);
    const api = await engine();
    const progress = api.documents<ProgressDocument>("POST", `/images/${repository}/push`, {
      query: { tag: allTags ? "" : tag || "latest" },
      headers,
    });
    await showProgress(progress, { quiet, to: "stdout" });
    if (quiet) await print(image);
    return 0;
  },
});
