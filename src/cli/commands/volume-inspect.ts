import { defineCommand } from "../command.ts";
import { findAt, inspectObjects } from "../inspect-objects.ts";
import { text } from "../option.ts";

export const command = defineCommand({
  name: "volume inspect",
  summary: "Show everything about volumes",
  usage: "[OPTIONS] VOLUME [VOLUME...]",
  examples: [{ command: "lighter volume inspect -f '{{.Mountpoint}}' data", meaning: "one value" }],
  options: { format: text("json, or a Go template", { short: "f" }) },
  operands: { minimum: 1 },
  async run({ options: { format }, operands, engine }) {
    const api = await engine();
    return inspectObjects(
      operands,
      format,
      findAt(api, (name) => `/volumes/${name}`),
    );
  },
});
