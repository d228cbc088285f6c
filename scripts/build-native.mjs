import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { basename, join } from "node:path";
import { run } from "./command.mjs";
import { filesBelow } from "./freshness.mjs";
import { DIST, ROOT } from "./paths.mjs";

const WARNINGS = ["-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror"];
const COMMON_FLAGS = ["-std=gnu11", "-O2", "-static", ...WARNINGS];

export const NATIVE_OUTPUT = join(DIST, "native");

/**
 * One target for each `native/<name>/build.json`, made into `dist/native/lighter-<name>`. The file holds the compiler
 * (`cc`), its further `flags` and the `libs` to link.
 * @returns {import("./freshness.mjs").Target[]}
 */
export function nativeTargets() {
  const sources = join(ROOT, "native");
  return readdirSync(sources)
    .map((name) => join(sources, name))
    .filter((directory) => existsSync(join(directory, "build.json")))
    .map(nativeTarget);
}

/**
 * @param {string} directory
 * @returns {import("./freshness.mjs").Target}
 */
function nativeTarget(directory) {
  const program = `lighter-${basename(directory)}`;
  const output = join(NATIVE_OUTPUT, program);
  const { cc, flags = [], libs = [] } = JSON.parse(readFileSync(join(directory, "build.json"), "utf8"));
  // Folders below hold other programs: tests and fuzz targets.
  const sources = readdirSync(directory)
    .filter((name) => name.endsWith(".c"))
    .sort()
    .map((name) => join(directory, name));
  const headers = filesBelow(directory, (path) => path.endsWith(".h"));
  const recipe = [cc, ...COMMON_FLAGS, ...flags, ...sources, ...libs];
  return {
    name: program,
    inputs: [...sources, ...headers],
    recipe,
    outputs: [output],
    async make() {
      mkdirSync(NATIVE_OUTPUT, { recursive: true });
      // A program that runs cannot be written to, and a half-written one must not be found: rename.
      const temporary = join(DIST, `.${program}.${process.pid}`);
      await run(cc, [...recipe.slice(1), "-s", "-o", temporary]);
      renameSync(temporary, output);
    },
  };
}
