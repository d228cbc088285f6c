import type { Command } from "./command.ts";
import { commands, groups } from "./command-tree.ts";
import { globalOptions } from "./global-options.ts";
import type { Option } from "./option.ts";

/** What `lighter COMMAND --help` prints. */
export function commandHelp(command: Command): string {
  const sections = [
    `Usage:  lighter ${command.name} ${command.usage}`.trimEnd(),
    command.summary,
    command.description,
    command.aliases && `Aliases:\n  ${[...command.aliases, command.name].map((name) => `lighter ${name}`).join(", ")}`,
    optionLines(command).length > 0 && `Options:\n${optionLines(command).join("\n")}`,
    `Examples:\n${command.examples.map((example) => `  # ${example.meaning}\n  ${example.command}`).join("\n\n")}`,
  ];
  return sections.filter(Boolean).join("\n\n");
}

/** What `lighter GROUP` prints. */
export async function groupHelp(name: string): Promise<string> {
  const group = groups[name];
  return [
    `Usage:  lighter ${name} COMMAND`,
    group?.summary,
    `Commands:\n${(await summaries(group?.commands ?? {})).join("\n")}`,
    `Run 'lighter ${name} COMMAND --help' for more information on a command.`,
  ].join("\n\n");
}

/** What `lighter --help` prints. */
export async function programHelp(): Promise<string> {
  const groupLines = Object.entries(groups).map(([name, group]) => line(name, group.summary));
  return [
    `Usage:  lighter ${globalOptions.usage}`,
    globalOptions.summary,
    `Commands:\n${(await summaries(commands)).join("\n")}`,
    `Management commands:\n${groupLines.join("\n")}`,
    `Global options:\n${optionLines(globalOptions).join("\n")}`,
    "Run 'lighter COMMAND --help' for more information on a command.",
  ].join("\n\n");
}

/** A flag as it is written: `-e, --env list`. */
export function optionSpelling(name: string, { short, placeholder }: Option<unknown>): string {
  return `${short ? `-${short}, ` : ""}--${name}${placeholder ? ` ${placeholder}` : ""}`;
}

function optionLines(command: Command): string[] {
  const rows = Object.entries<Option<unknown>>(command.options)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, option]) => {
      const spelling = optionSpelling(name, option);
      const help = option.shownDefault ? `${option.help} (default ${option.shownDefault})` : option.help;
      return [option.short ? spelling : `    ${spelling}`, help] as const;
    });
  const width = Math.max(0, ...rows.map(([spelling]) => spelling.length));
  return rows.map(([spelling, help]) => `  ${spelling.padEnd(width)}   ${help}`);
}

async function summaries(members: typeof commands): Promise<string[]> {
  return Promise.all(Object.entries(members).map(async ([name, load]) => line(name, (await load()).command.summary)));
}

function line(name: string, summary: string): string {
  return `  ${name.padEnd(12)}${summary}`;
}
