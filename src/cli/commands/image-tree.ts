import type { LayerNode } from "../../client/history-documents.ts";
import { defineCommand } from "../command.ts";
import { drawTree } from "../image/draw-tree.ts";
import { flag } from "../option.ts";
import { print } from "../output.ts";

export const command = defineCommand({
  name: "image tree",
  summary: "Show which images share which layers",
  usage: "[OPTIONS]",
  description:
    "Each line is a layer, or several that follow each other, with their size; images that end there are in brackets.",
  examples: [
    { command: "lighter image tree", meaning: "a line for each image and each place where some part" },
    { command: "lighter image tree --layers", meaning: "a line for each layer" },
  ],
  options: {
    json: flag("Show the trees as one JSON document"),
    layers: flag("Show each layer on a line of its own"),
  },
  operands: { minimum: 0, maximum: 0 },
  async run({ options: { json, layers }, engine }) {
    const api = await engine();
    const roots = await api.json<LayerNode[]>("GET", "/lighter/images/tree");
    if (json) await print(JSON.stringify(roots, null, 2));
    else for (const line of drawTree(roots, { layers })) await print(line);
    return 0;
  },
});
