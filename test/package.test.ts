import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { runProgram } from "./harness/program.ts";
import { TestEngine, temporaryRoot } from "./harness/test-engine.ts";

const TREE = resolve(import.meta.dir, "..");

test("the packed package installs elsewhere, offers the command, and the README's first program runs as it is printed", async () => {
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
    writeFileSync(join(project, "quick-start.mjs"), quickStart());
    // Nothing but what a user has: no engine runs yet, and no image is there.
    await using engine = new TestEngine(temporaryRoot());
    for (const runtime of ["node", join(TREE, "node_modules/.bin/bun")]) {
      const printed = await printedBy([runtime, "quick-start.mjs"], project, { LIGHTER_ROOT: engine.root });
      expect(printed.replace(/\s+/g, " ").replaceAll("'", '"')).toMatch(
        /^\{ stdout: "hello\\n", stderr: "", exitCode: 0,? \}$/,
      );
    }
    expect(engine.daemons()).toHaveLength(1);
    const tsc = join(TREE, "node_modules/.bin/tsc");
    const options = ["--strict", "--noEmit", "--module", "nodenext", "--target", "esnext", "--types", "node"];
    const typeRoots = ["--typeRoots", join(TREE, "node_modules/@types")];
    await printedBy([tsc, ...options, ...typeRoots, "use.ts"], project);
  } finally {
    rmSync(directory, { recursive: true });
  }
}, 300_000);

/** The first program of the README's chapter on the library. */
function quickStart(): string {
  const readme = readFileSync(join(TREE, "README.md"), "utf8");
  const [, program] = /## As a library\n.*?```js\n(.*?)```/s.exec(readme) ?? [];
  if (program === undefined) throw new Error("the README has no program for the library");
  return program;
}

async function printedBy(
  command: readonly string[],
  cwd: string,
  variables: Record<string, string> = {},
): Promise<string> {
  const env = { ...process.env, ...variables };
  const { stdout, stderr, exitCode } = await runProgram(command, { env, cwd, timeoutMs: 120_000 });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: exit code ${exitCode}\n${stdout}${stderr}`);
  return stdout.trim();
}
