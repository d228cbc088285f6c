import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { runProgram } from "./harness/program.ts";

const TREE = resolve(import.meta.dir, "..");

test("the packed package installs elsewhere, offers the command, and its library loads on Node with its types", async () => {
  const directory = mkdtempSync(join(tmpdir(), "lighter-package-"));
  try {
    const archive = await printedBy(
      ["npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", directory],
      TREE,
    );
    const project = join(directory, "project");
    mkdirSync(project);
    writeFileSync(join(project, "package.json"), JSON.stringify({ name: "elsewhere", private: true, type: "module" }));
    await printedBy(["npm", "install", "--offline", "--no-audit", "--no-fund", join(directory, archive)], project);

    expect(await printedBy(["npx", "--no-install", "lighter", "--version"], project)).toStartWith("Lighter version");

    writeFileSync(
      join(project, "use.ts"),
      'import { Engine } from "lighter";\nexport const engine: typeof Engine = Engine;\n',
    );
    const script = 'import { Engine } from "lighter"; console.log(typeof Engine)';
    expect(await printedBy(["node", "--input-type=module", "--eval", script], project)).toBe("function");
    const tsc = join(TREE, "node_modules/.bin/tsc");
    const options = ["--strict", "--noEmit", "--module", "nodenext", "--target", "esnext", "--types", "node"];
    const typeRoots = ["--typeRoots", join(TREE, "node_modules/@types")];
    await printedBy([tsc, ...options, ...typeRoots, "use.ts"], project);
  } finally {
    rmSync(directory, { recursive: true });
  }
}, 60_000);

async function printedBy(command: readonly string[], cwd: string): Promise<string> {
  const { stdout, stderr, exitCode } = await runProgram(command, { env: process.env, cwd, timeoutMs: 30_000 });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: exit code ${exitCode}\n${stdout}${stderr}`);
  return stdout.trim();
}
