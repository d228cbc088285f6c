import { defineCommand } from "../command.ts";
import { flag, text } from "../option.ts";
import { print } from "../output.ts";
import { type ProgressDocument, showProgress } from "../progress.ts";

export const command = defineCommand({
  name: "template build",
  summary: "Make a base image from a template",
  usage: "[OPTIONS] TEMPLATE",
  examples: [
    { command: "lighter template build busybox", meaning: "a small one, in a moment" },
    { command: "lighter template build -t my/debian:12 debian", meaning: "a large one, under a name of your own" },
  ],
  options: {
    quiet: flag("Show only the image's ID", { short: "q" }),
    tag: text("Name of the image (default the template's)", { short: "t" }),
  },
  operands: { minimum: 1, maximum: 1 },
  async run({ options: { quiet, tag }, operands: [name = ""], engine }) {
    const api = await engine();
    const progress = api.documents<ProgressDocument>("POST", `/lighter/templates/${encodeURIComponent(name)}`, {
      query: { tag },
    });
    const id = await showProgress(progress, { quiet, to: "stdout" });
    if (quiet && id !== undefined) await print(id);
    return 0;
  },
});
