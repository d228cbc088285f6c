import type { ImageStep } from "../../client/history-documents.ts";
import { formatByteSize } from "../byte-size.ts";
import { defineCommand } from "../command.ts";
import { ellipsis } from "../container/container-list.ts";
import { formatAgo } from "../elapsed.ts";
import { formatFileChange } from "../image/file-changes.ts";
import { shortImageId } from "../image/image-list.ts";
import { type ListFormat, printList } from "../list-format.ts";
import { flag, text } from "../option.ts";
import { print } from "../output.ts";
import { indented, printable } from "../printable.ts";

const SHORT_TEXT = 45;

export const command = defineCommand({
  name: "image log",
  summary: "Show the layers of an image like a log of commits",
  usage: "[OPTIONS] IMAGE[@PLACE]",
  description: `Newest first. POS is the number of layers above a layer: 'rollback IMAGE POS' makes it the newest again, and
'image show IMAGE@POS' tells the files in it. A step without POS changed no file. CHANGES counts files that the layer
added (+), changed (~) and deleted (-).`,
  examples: [
    { command: "lighter image log my/web", meaning: "one line for each step" },
    { command: "lighter image log --patch my/web", meaning: "with the files of each layer" },
    { command: "lighter image log --format '{{.Position}} {{.Size}} {{.CreatedBy}}' my/web", meaning: "as wanted" },
    { command: "lighter image log my/web@{1}", meaning: "of what the name stood for before" },
  ],
  options: {
    format: text("table, 'table TEMPLATE', json, or a Go template"),
    json: flag("Show the whole log as one JSON document"),
    "no-trunc": flag("Do not shorten anything"),
    patch: flag("Show the files that each layer added, changed and deleted", { short: "p" }),
    quiet: flag("Show only the layers' digests", { short: "q" }),
    stat: flag("Show each layer's size and how many files it changed, with its whole instruction"),
  },
  operands: { minimum: 1, maximum: 1 },
  async run({ options, operands: [name = ""], engine }) {
    const api = await engine();
    const path = `/lighter/images/${encodeURIComponent(name)}/log`;
    const steps = await api.json<ImageStep[]>("GET", path, { query: { files: options.patch ? 1 : undefined } });
    if (options.json) await print(JSON.stringify(steps, null, 2));
    else if (options.patch || options.stat) await printLong(steps);
    else {
      const shown = options.quiet ? steps.filter(({ Layer }) => Layer !== null) : steps;
      await printList(shown, logFormat(options["no-trunc"]), options);
    }
    return 0;
  },
});

/** As `git log` prints commits: a head, then what changed. */
async function printLong(steps: readonly ImageStep[]): Promise<void> {
  for (const [index, step] of steps.entries()) {
    if (index > 0) await print("");
    await print(step.Layer === null ? "step (no files changed)" : `layer ${step.Layer} (@${step.Position})`);
    if (step.Author) await print(`Author:  ${printable(step.Author)}`);
    if (step.Created) await print(`Date:    ${printable(step.Created)}`);
    if (step.Layer !== null) await print(`Size:    ${formatByteSize(step.Size)}, files ${formatCounts(step)}`);
    await print(`\n${indented(step.CreatedBy || "(not said)")}`);
    if (step.Comment) await print(indented(step.Comment));
    if (step.Files?.length) await print(`\n${step.Files.map((file) => ` ${formatFileChange(file)}`).join("\n")}`);
  }
}

function logFormat(noTruncate: boolean): ListFormat<ImageStep> {
  const created = ({ Created }: ImageStep) => Date.parse(Created) / 1000;
  return {
    columns: {
      Position: { header: "POS", value: ({ Position }) => (Position === null ? "-" : String(Position)) },
      Layer: { header: "LAYER", value: ({ Layer }) => shown(Layer, noTruncate) },
      ChainID: { header: "CHAIN ID", value: ({ ChainId }) => shown(ChainId, noTruncate) },
      CreatedSince: {
        header: "CREATED",
        value: (step) => (Number.isNaN(created(step)) ? "N/A" : formatAgo(created(step))),
      },
      CreatedAt: { header: "CREATED AT", value: ({ Created }) => Created },
      Size: { header: "SIZE", value: ({ Layer, Size }) => (Layer === null ? "-" : formatByteSize(Size)) },
      Changes: { header: "CHANGES", value: (step) => (step.Layer === null ? "-" : formatCounts(step)) },
      Added: { header: "ADDED", value: ({ Added }) => String(Added) },
      Changed: { header: "CHANGED", value: ({ Changed }) => String(Changed) },
      Deleted: { header: "DELETED", value: ({ Deleted }) => String(Deleted) },
      CreatedBy: {
        header: "CREATED BY",
        value: ({ CreatedBy }) => {
          const line = printable(CreatedBy.replaceAll(/[\t\n]/g, " "));
          return noTruncate ? line : ellipsis(line, SHORT_TEXT);
        },
      },
      Author: { header: "AUTHOR", value: ({ Author }) => printable(Author) },
      Comment: { header: "COMMENT", value: ({ Comment }) => printable(Comment) },
    },
    defaultColumns: ["Position", "Layer", "CreatedSince", "Size", "Changes", "CreatedBy", "Comment"],
    quietColumn: "Layer",
  };
}

function formatCounts({ Added, Changed, Deleted }: ImageStep): string {
  return `+${Added} ~${Changed} -${Deleted}`;
}

function shown(digest: string | null, noTruncate: boolean): string {
  if (digest === null) return "-";
  return noTruncate ? digest : shortImageId(digest);
}
