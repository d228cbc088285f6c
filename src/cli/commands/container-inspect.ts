import { defineCommand } from "../command.ts";
import { findAt, inspectObjects } from "../inspect-objects.ts";
import { flag, text } from "../option.ts";

export const command = defineCommand({
  name: "container inspect",
  summary: "Show everything about containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  examples: [{ command: "lighter container inspect -f '{{.State.Status}}' web", meaning: "one value" }],
  options: {
    format: text("json, or a Go template", { short: "f" }),
    size: flag("Show how much a container has written", { short: "s" }),
  },
  operands: { minimum: 1 },
  async run({ options: { format, size }, operands, engine }) {
    const api = await engine();
    return inspectObjects(
      operands,
      format,
      findAt(api, (name) => `/containers/${name}/json${size ? "?size=1" : ""}`),
    );
  },
});
