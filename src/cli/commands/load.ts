import { defineCommand } from "../command.ts";
import { readInput } from "../input-file.ts";
import { flag, list, text } from "../option.ts";
import { type ProgressDocument, showProgress } from "../progress.ts";

export const command = defineCommand({
  name: "load",
  summary: "Read images from a tar archive",
  usage: "[OPTIONS]",
  aliases: ["image load"],
  examples: [{ command: "lighter load -i images.tar", meaning: "what `save` has written" }],
  options: {
    input: text("Read from this file instead of standard input", { short: "i" }),
    platform: list("Load only this platform"),
    quiet: flag("Do not show progress", { short: "q" }),
  },
  operands: { minimum: 0, maximum: 0 },
  async run({ options: { input, quiet }, engine }) {
    if (input === undefined && (await import("../streams/terminal.ts")).isTerminal(0)) {
      throw new Error("requested load from stdin, but stdin is empty");
    }
    const archive = readInput(input ?? "-");
    const api = await engine();
    const progress = api.documents<ProgressDocument>("POST", "/images/load", {
      query: { quiet: quiet ? 1 : 0 },
      stream: archive,
      headers: { "Content-Type": "application/x-tar" },
    });
    await showProgress(progress, { quiet: false, to: "stdout" });
    return 0;
  },
});
