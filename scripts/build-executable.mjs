import { mkdirSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { NATIVE_OUTPUT } from "./build-native.mjs";
import { run } from "./command.mjs";
import { filesBelow } from "./freshness.mjs";
import { BUN, DIST, EXECUTABLE, ROOT } from "./paths.mjs";

/**
 * `dist/lighter`: one file with the runtime, the code and the C programs inside. Bytecode and splitting are what makes
 * it start in 5 ms: only the chunks that a command asks for are loaded, and none is parsed. A .env or bunfig.toml of
 * the directory it is started in must not change what it does.
 * @returns {import("./freshness.mjs").Target}
 */
export function executableTarget() {
  const recipe = [
    "build",
    "--compile",
    "--minify",
    "--splitting",
    "--bytecode",
    "--format=esm",
    "--no-compile-autoload-dotenv",
    "--no-compile-autoload-bunfig",
    "--asset=dist/native",
    "src/cli/main.ts",
  ];
  return {
    name: basename(EXECUTABLE),
    inputs: [
      ...filesBelow(join(ROOT, "src"), (path) => !/\.test\.ts$|\/fixtures\//.test(path)),
      ...filesBelow(NATIVE_OUTPUT, () => true),
      join(ROOT, "package.json"),
      join(ROOT, "package-lock.json"),
    ],
    recipe,
    outputs: [EXECUTABLE],
    async make() {
      const temporary = join(DIST, `.build-${process.pid}`);
      mkdirSync(temporary, { recursive: true });
      try {
        const outfile = join(temporary, basename(EXECUTABLE));
        await run(BUN, [...recipe, `--outfile=${outfile}`], { stdio: ["ignore", "ignore", "inherit"] });
        renameSync(outfile, EXECUTABLE);
      } finally {
        rmSync(temporary, { recursive: true, force: true });
      }
    },
  };
}
