import { defineCommand } from "../command.ts";
import { encodeFilters, filterOption } from "../filters.ts";
import { sortedEntries } from "../go-template/go-value.ts";
import { parseMoment } from "../moment.ts";
import { text } from "../option.ts";
import { print } from "../output.ts";

interface EventDocument {
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes?: Readonly<Record<string, string>> | null };
}

export const command = defineCommand({
  name: "events",
  summary: "Show what happens in the engine, as it happens",
  usage: "[OPTIONS]",
  aliases: ["system events"],
  examples: [
    { command: "lighter events -f event=die -f container=web", meaning: "only certain ones" },
    {
      command: "lighter events --since 10m --until 0s --format json",
      meaning: "of the last ten minutes, for a program",
    },
  ],
  options: {
    filter: filterOption(),
    format: text("json, or a Go template"),
    since: text("From this time on (2026-01-02T13:23:37Z, or 42m ago)"),
    until: text("Up to this time (2026-01-02T13:23:37Z, or 42m ago)"),
  },
  operands: { minimum: 0, maximum: 0 },
  async run({ options, engine }) {
    const now = Date.now();
    const query = {
      since: options.since && parseMoment("since", options.since, now),
      until: options.until && parseMoment("until", options.until, now),
      filters: encodeFilters(options.filter),
    };
    const show = await formatter(options.format);
    const api = await engine();
    for await (const line of api.lines("GET", "/events", { query })) await print(show(line));
    return 0;
  },
});

async function formatter(format: string | undefined): Promise<(line: string) => string> {
  if (format === "json") return (line) => line;
  if (!format) return (line) => eventText(line);
  const { compileTemplate } = await import("../go-template/go-template.ts");
  const template = compileTemplate(format.replaceAll("\\t", "\t"), {
    missingField: (name) => `can't evaluate field ${name}`,
  });
  return (line) => template(JSON.parse(line));
}

/** `TIME TYPE ACTION ID (key=value, ...)` */
function eventText(line: string): string {
  const { Type, Action, Actor }: EventDocument = JSON.parse(line);
  const attributes = sortedEntries(Actor.Attributes ?? {}).map(([key, value]) => `${key}=${value}`);
  const tail = attributes.length > 0 ? ` (${attributes.join(", ")})` : "";
  return `${eventTime(line)} ${Type} ${Action} ${Actor.ID}${tail}`;
}

/** Local time with nanoseconds, which are read from the text: a number in JavaScript does not hold them. */
function eventTime(line: string): string {
  const nanoseconds = BigInt(/"timeNano":\s*(\d+)/.exec(line)?.[1] ?? 0);
  const time = new Date(Number(nanoseconds / 1_000_000n));
  const offset = -time.getTimezoneOffset();
  const local = new Date(time.getTime() + offset * 60_000).toISOString().slice(0, 19);
  const fraction = String(nanoseconds % 1_000_000_000n).padStart(9, "0");
  return `${local}.${fraction}${offset === 0 ? "Z" : zone(offset)}`;
}

function zone(offsetMinutes: number): string {
  const two = (number: number) => String(number).padStart(2, "0");
  const size = Math.abs(offsetMinutes);
  return `${offsetMinutes < 0 ? "-" : "+"}${two(Math.trunc(size / 60))}:${two(size % 60)}`;
}
