import { defineCommand } from "../command.ts";
import { list, text } from "../option.ts";
import { writeOutput } from "../output-file.ts";

export const command = defineCommand({
  name: "save",
  summary: "Write images as a tar archive",
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  aliases: ["image save"],
  examples: [
    { command: "lighter save -o images.tar my/web my/db", meaning: "several images in one archive" },
    { command: "lighter save my/web | ssh other lighter load", meaning: "take an image to another machine" },
  ],
  options: {
    output: text("Write to this file instead of standard output", { short: "o" }),
    platform: list("Save only this platform"),
  },
  operands: { minimum: 1 },
  async run({ options: { output, platform }, operands, engine }) {
    const api = await engine();
    const query = { names: operands, platform };
    await writeOutput(output, async () => (await api.call("GET", "/images/get", { query })).body);
    return 0;
  },
});
