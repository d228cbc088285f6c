import { createDemultiplexer } from "../../base/demultiplex.ts";
import type { ContainerDocument } from "../../client/container-documents.ts";
import { defineCommand } from "../command.ts";
import { parseMoment } from "../moment.ts";
import { flag, text } from "../option.ts";
import { STDERR, STDOUT, write } from "../output.ts";

export const command = defineCommand({
  name: "logs",
  summary: "Show what a container has written",
  usage: "[OPTIONS] CONTAINER",
  aliases: ["container logs"],
  examples: [
    { command: "lighter logs -f --tail 10 web", meaning: "the last ten lines, and what follows" },
    { command: "lighter logs --since 5m -t web", meaning: "of the last five minutes, with the time of each line" },
  ],
  options: {
    details: flag("Show attributes given to the log"),
    follow: flag("Go on as the container writes", { short: "f" }),
    since: text("From this time on (2026-01-02T13:23:37Z, or 42m ago)"),
    tail: text("So many lines from the end", { short: "n", shownDefault: '"all"' }),
    timestamps: flag("Show the time of each line", { short: "t" }),
    until: text("Up to this time (2026-01-02T13:23:37Z, or 42m ago)"),
  },
  operands: { minimum: 1, maximum: 1 },
  async run({ options, operands: [name = ""], engine }) {
    const api = await engine();
    const { Id, Config } = await api.json<ContainerDocument>("GET", `/containers/${encodeURIComponent(name)}/json`);
    const now = Date.now();
    const { body } = await api.call("GET", `/containers/${Id}/logs`, {
      query: {
        stdout: 1,
        stderr: 1,
        follow: options.follow ? 1 : undefined,
        timestamps: options.timestamps ? 1 : undefined,
        details: options.details ? 1 : undefined,
        tail: options.tail,
        since: options.since && parseMoment("since", options.since, now),
        until: options.until && parseMoment("until", options.until, now),
      },
    });
    if (Config.Tty) {
      for await (const chunk of body) await write(STDOUT, chunk);
      return 0;
    }
    const demultiplex = createDemultiplexer((stream, piece) => write(stream === 2 ? STDERR : STDOUT, piece));
    for await (const chunk of body) await demultiplex(chunk);
    return 0;
  },
});
