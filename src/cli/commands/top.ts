import { defineCommand } from "../command.ts";
import { STDOUT, write } from "../output.ts";
import { formatTable } from "../table.ts";

const MIN_WIDTH = 20;

export const command = defineCommand({
  name: "top",
  summary: "Show the processes of a container",
  usage: "CONTAINER [ps OPTIONS]",
  aliases: ["container top"],
  examples: [
    { command: "lighter top web", meaning: "as `ps -ef` shows them" },
    { command: "lighter top web -o pid,rss,comm", meaning: "with chosen columns" },
  ],
  options: {},
  operands: { minimum: 1 },
  optionsFirst: true,
  async run({ operands: [name = "", ...psOptions], engine }) {
    const api = await engine();
    const { Titles, Processes } = await api.json<{ Titles: string[]; Processes: string[][] | null }>(
      "GET",
      `/containers/${encodeURIComponent(name)}/top`,
      { query: { ps_args: psOptions.length > 0 ? psOptions.join(" ") : undefined } },
    );
    await write(STDOUT, formatTable([Titles, ...(Processes ?? [])], MIN_WIDTH));
    return 0;
  },
});
