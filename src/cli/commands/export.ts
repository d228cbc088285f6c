import { defineCommand } from "../command.ts";
import { text } from "../option.ts";
import { writeOutput } from "../output-file.ts";

export const command = defineCommand({
  name: "export",
  summary: "Write a container's file system as a tar archive",
  usage: "[OPTIONS] CONTAINER",
  aliases: ["container export"],
  examples: [{ command: "lighter export -o web.tar web", meaning: "keep its files" }],
  options: { output: text("Write to this file instead of standard output", { short: "o" }) },
  operands: { minimum: 1, maximum: 1 },
  async run({ options: { output }, operands: [name = ""], engine }) {
    const api = await engine();
    await writeOutput(output, async () => {
      const { body } = await api.call("GET", `/containers/${encodeURIComponent(name)}/export`);
      return body;
    });
    return 0;
  },
});
