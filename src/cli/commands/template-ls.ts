import { defineCommand } from "../command.ts";
import { type ListFormat, printList } from "../list-format.ts";
import { flag, text } from "../option.ts";

/** One of `GET /lighter/templates`. */
interface TemplateDocument {
  readonly Name: string;
  readonly Description: string;
}

const FORMAT: ListFormat<TemplateDocument> = {
  columns: {
    Name: { header: "NAME", value: ({ Name }) => Name },
    Description: { header: "DESCRIPTION", value: ({ Description }) => Description },
  },
  defaultColumns: ["Name", "Description"],
  quietColumn: "Name",
};

export const command = defineCommand({
  name: "template ls",
  summary: "List what base images can be made of",
  usage: "[OPTIONS]",
  examples: [{ command: "lighter template ls", meaning: "what this engine knows" }],
  options: {
    format: text("table, 'table TEMPLATE', json, or a Go template"),
    quiet: flag("Show only names", { short: "q" }),
  },
  operands: { minimum: 0, maximum: 0 },
  async run({ options, engine }) {
    const api = await engine();
    await printList(await api.json<TemplateDocument[]>("GET", "/lighter/templates"), FORMAT, options);
    return 0;
  },
});
