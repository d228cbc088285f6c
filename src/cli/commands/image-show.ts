import type { ImageLayer } from "../../client/history-documents.ts";
import { formatByteSize } from "../byte-size.ts";
import { defineCommand } from "../command.ts";
import { formatObject } from "../format-object.ts";
import { formatFileChange, summarizeChanges } from "../image/file-changes.ts";
import { flag, text } from "../option.ts";
import { print } from "../output.ts";
import { indented, printable } from "../printable.ts";

export const command = defineCommand({
  name: "image show",
  summary: "Show the files of one layer of an image",
  usage: "[OPTIONS] IMAGE[@PLACE]",
  description: `PLACE is a layer's number in 'image log' (0, the newest, if it is left out), at least four digits of its digest, or an
entry of the name's reflog ({1}). A was added, C changed, D deleted.`,
  examples: [
    { command: "lighter image show my/web", meaning: "of the newest layer" },
    { command: "lighter image show my/web@2", meaning: "of the layer two below" },
    { command: "lighter image show my/web@3fa8c1", meaning: "of the layer whose digest begins so" },
  ],
  options: {
    format: text("json, or a Go template"),
    json: flag("Show the layer as a JSON document"),
    quiet: flag("Show only the paths", { short: "q" }),
  },
  operands: { minimum: 1, maximum: 1 },
  async run({ options, operands: [name = ""], engine }) {
    const api = await engine();
    const layer = await api.json<ImageLayer>("GET", `/lighter/images/${encodeURIComponent(name)}/layer`);
    const { Files } = layer;
    if (options.format !== undefined) await print(await formatObject(layer, options.format));
    else if (options.json) await print(JSON.stringify(layer, null, 2));
    else if (options.quiet) for (const { Path } of Files) await print(printable(Path));
    else {
      await print(`layer ${layer.Layer} (@${layer.Position})`);
      await print(`Size:    ${formatByteSize(layer.Size)}`);
      if (layer.Created) await print(`Date:    ${printable(layer.Created)}`);
      await print(`\n${indented(layer.CreatedBy || "(not said)")}\n`);
      for (const file of Files) await print(formatFileChange(file));
      await print(summarizeChanges(Files));
    }
    return 0;
  },
});
