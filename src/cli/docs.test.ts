import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { commands, groups } from "./command-tree.ts";
import { DOCS_DIRECTORY, renderPages } from "./docs.ts";
import { commandHelp, groupHelp, programHelp } from "./help.ts";

test("the pages are fresh; run `bun src/cli/docs.ts` after a change", async () => {
  const pages = await renderPages();
  expect(readdirSync(DOCS_DIRECTORY).sort()).toEqual([...pages.keys()].sort());
  for (const [name, text] of pages) expect(readFileSync(join(DOCS_DIRECTORY, name), "utf8")).toBe(text);
});

const loaders = Object.entries({
  ...commands,
  ...Object.fromEntries(
    Object.entries(groups).flatMap(([group, { commands: members }]) =>
      Object.entries(members).map(([name, load]) => [`${group} ${name}`, load]),
    ),
  ),
});

test.each(loaders)("%s has examples that call it, and flags without a clash", async (name, load) => {
  const { command } = await load();
  expect([command.name, ...(command.aliases ?? [])]).toContain(name);
  expect(command.examples.length).toBeGreaterThan(0);
  const programs = command.name === "system dial-stdio" ? /docker/ : new RegExp(`lighter (.* )?${command.name}\\b`);
  for (const { command: line } of command.examples) expect(line).toMatch(programs);
  const shorts = Object.values(command.options).flatMap(({ short }) => (short ? [short] : []));
  expect(new Set(shorts).size).toBe(shorts.length);
  expect(commandHelp(command)).toContain(command.summary);
});

test("the helps of the program and of its groups name every command", async () => {
  const help = await programHelp();
  for (const name of [...Object.keys(commands), ...Object.keys(groups)])
    expect(help).toMatch(new RegExp(`^  ${name} `, "m"));
  for (const [name, group] of Object.entries(groups)) {
    const text = await groupHelp(name);
    for (const member of Object.keys(group.commands)) expect(text).toMatch(new RegExp(`^  ${member} `, "m"));
  }
});
