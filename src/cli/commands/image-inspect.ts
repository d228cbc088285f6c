import { defineCommand } from "../command.ts";
import { findAt, inspectObjects } from "../inspect-objects.ts";
import { text } from "../option.ts";

export const command = defineCommand({
  name: "image inspect",
  summary: "Show everything about images",
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  examples: [{ command: "lighter image inspect -f '{{.Id}}' my/web", meaning: "one value" }],
  options: { format: text("json, or a Go template", { short: "f" }) },
  operands: { minimum: 1 },
  async run({ options: { format }, operands, engine }) {
    const api = await engine();
    return inspectObjects(
      operands,
      format,
      findAt(api, (name) => `/images/${name}/json`),
    );
  },
});
