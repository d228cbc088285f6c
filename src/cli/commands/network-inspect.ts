import { defineCommand } from "../command.ts";
import { findAt, inspectObjects } from "../inspect-objects.ts";
import { text } from "../option.ts";

export const command = defineCommand({
  name: "network inspect",
  summary: "Show everything about networks",
  usage: "[OPTIONS] NETWORK [NETWORK...]",
  examples: [{ command: "lighter network inspect -f '{{.Driver}}' bridge", meaning: "one value" }],
  options: { format: text("json, or a Go template", { short: "f" }) },
  operands: { minimum: 1 },
  async run({ options: { format }, operands, engine }) {
    const api = await engine();
    return inspectObjects(
      operands,
      format,
      findAt(api, (name) => `/networks/${name}`),
    );
  },
});
