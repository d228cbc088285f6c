import type { ImageSummary } from "../../client/image-documents.ts";
import { defineCommand } from "../command.ts";
import { encodeFilters, filterOption } from "../filters.ts";
import { imageListFormat, imageRows } from "../image/image-list.ts";
import { printList } from "../list-format.ts";
import { flag, text } from "../option.ts";

export const command = defineCommand({
  name: "images",
  summary: "List images",
  usage: "[OPTIONS] [REPOSITORY[:TAG]]",
  aliases: ["image ls", "image list"],
  examples: [
    { command: "lighter images my/web", meaning: "all tags of one name" },
    { command: "lighter images -qf dangling=true", meaning: "IDs of images that have lost their name" },
    { command: "lighter images --format '{{.Repository}}:{{.Tag}} {{.Size}}'", meaning: "chosen columns" },
  ],
  options: {
    all: flag("Also show images between the steps of builds", { short: "a" }),
    digests: flag("Show digests"),
    filter: filterOption(),
    format: text("table, 'table TEMPLATE', json, or a Go template"),
    "no-trunc": flag("Do not shorten anything"),
    quiet: flag("Show only IDs", { short: "q" }),
  },
  operands: { minimum: 0, maximum: 1 },
  async run({ options, operands: [name], engine }) {
    const filters = name === undefined ? options.filter : [...options.filter, `reference=${name}`];
    const api = await engine();
    const images = await api.json<ImageSummary[]>("GET", "/images/json", {
      query: {
        all: options.all ? 1 : undefined,
        digests: options.digests ? 1 : undefined,
        filters: encodeFilters(filters),
      },
    });
    const showsDigests = options.digests || (options.format?.includes("{{.Digest}}") ?? false);
    const format = imageListFormat(options["no-trunc"], options.digests);
    await printList(imageRows(images, showsDigests && !options.quiet), format, options);
    return 0;
  },
});
