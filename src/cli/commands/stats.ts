import type { Api } from "../../client/api.ts";
import type { ContainerDocument, ContainerSummary } from "../../client/container-documents.ts";
import { defineCommand } from "../command.ts";
import { type StatsDocument, type StatsRow, statsListFormat } from "../container/stats-list.ts";
import { formatList, printList } from "../list-format.ts";
import { flag, text } from "../option.ts";
import { STDOUT, write } from "../output.ts";

const REDRAW_MS = 500;
const CLEAR_SCREEN = "\x1b[2J\x1b[H";

export const command = defineCommand({
  name: "stats",
  summary: "Show what containers use, again and again",
  usage: "[OPTIONS] [CONTAINER...]",
  aliases: ["container stats"],
  examples: [
    { command: "lighter stats", meaning: "of all that run" },
    { command: "lighter stats --no-stream --format '{{.Name}} {{.MemUsage}}' web", meaning: "once, for a script" },
  ],
  options: {
    all: flag("Also show containers that do not run", { short: "a" }),
    format: text("table, 'table TEMPLATE', json, or a Go template"),
    "no-stream": flag("Show it once and end"),
    "no-trunc": flag("Do not shorten anything"),
  },
  operands: { minimum: 0 },
  async run({ options, operands, engine }) {
    const api = await engine();
    const format = statsListFormat(options["no-trunc"]);
    const ids = operands.length > 0 ? await resolve(api, operands) : await listed(api, options.all);
    if (options["no-stream"]) {
      const rows = await Promise.all(ids.map((shown) => sample(api, shown)));
      await printList(rows, format, options);
      return 0;
    }
    const rows = new Map<string, StatsRow>();
    await Promise.all(ids.map((shown) => follow(api, shown, rows)));
    if (operands.length === 0) followEvents(api, rows);
    for (;;) {
      const table = await formatList([...rows.values()], format, options);
      await write(STDOUT, options.format === undefined ? CLEAR_SCREEN + table : table);
      await new Promise((done) => setTimeout(done, REDRAW_MS));
    }
  },
});

/** As it was named on the command line, and its ID. */
interface Shown {
  readonly name: string;
  readonly id: string;
}

function resolve(api: Api, names: readonly string[]): Promise<Shown[]> {
  const find = async (name: string): Promise<Shown> => {
    const { Id } = await api.json<ContainerDocument>("GET", `/containers/${encodeURIComponent(name)}/json`);
    return { name, id: Id };
  };
  return Promise.all(names.map(find));
}

async function listed(api: Api, all: boolean): Promise<Shown[]> {
  const containers = await api.json<ContainerSummary[]>("GET", "/containers/json", {
    query: { all: all ? 1 : undefined },
  });
  return containers.map(({ Id }) => ({ name: Id.slice(0, 12), id: Id }));
}

async function sample(api: Api, { name, id }: Shown): Promise<StatsRow> {
  const stats = await api.json<StatsDocument>("GET", `/containers/${id}/stats`, { query: { stream: 0 } });
  return { container: name, id, stats };
}

/** Keeps the newest sample until the container is gone. Resolves with the first, so that the first table is complete. */
function follow(api: Api, { name, id }: Shown, rows: Map<string, StatsRow>): Promise<void> {
  rows.set(id, { container: name, id, stats: null });
  return new Promise((resolve) => {
    const keep = async () => {
      for await (const stats of api.documents<StatsDocument>("GET", `/containers/${id}/stats`)) {
        rows.set(id, { container: name, id, stats });
        resolve();
      }
    };
    const leave = () => {
      rows.delete(id);
      resolve();
    };
    // One that is gone between the list and the question simply leaves the table, as one that ends does.
    keep().then(leave, leave);
  });
}

/** Containers that start later join the table. */
async function followEvents(api: Api, rows: Map<string, StatsRow>): Promise<void> {
  const query = { filters: JSON.stringify({ type: ["container"], event: ["start"] }) };
  const events = api.documents<{ Actor: { ID: string } }>("GET", "/events", { query });
  for await (const { Actor } of events) {
    if (!rows.has(Actor.ID)) follow(api, { name: Actor.ID.slice(0, 12), id: Actor.ID }, rows);
  }
}
