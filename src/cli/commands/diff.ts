import { defineCommand } from "../command.ts";
import { print } from "../output.ts";

/** The Engine API's numbers for changed, added, deleted. */
const KINDS = ["C", "A", "D"];

export const command = defineCommand({
  name: "diff",
  summary: "Show which files a container has changed",
  usage: "CONTAINER",
  aliases: ["container diff"],
  examples: [{ command: "lighter diff web", meaning: "A was added, C changed, D deleted" }],
  options: {},
  operands: { minimum: 1, maximum: 1 },
  async run({ operands: [name = ""], engine }) {
    const api = await engine();
    const path = `/containers/${encodeURIComponent(name)}/changes`;
    const changes = await api.json<{ Path: string; Kind: number }[] | null>("GET", path);
    for (const { Path, Kind } of changes ?? []) await print(`${KINDS[Kind] ?? "?"} ${Path}`);
    return 0;
  },
});
