import { mkdirSync } from "node:fs";
import { executableTarget } from "./build-executable.mjs";
import { libraryTarget } from "./build-library.mjs";
import { nativeTargets } from "./build-native.mjs";
import { asCommand } from "./command.mjs";
import { makeStale } from "./freshness.mjs";
import { DIST } from "./paths.mjs";

/** Makes whatever is out of date in dist/: the C programs, the executable that embeds them, the library. */
export async function build() {
  mkdirSync(DIST, { recursive: true });
  await Promise.all(nativeTargets().map(bringUpToDate));
  await Promise.all([executableTarget(), libraryTarget()].map(bringUpToDate));
}

/** @param {import("./freshness.mjs").Target} target */
async function bringUpToDate(target) {
  const started = performance.now();
  if (!(await makeStale(target))) return;
  console.log(`built ${target.name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
}

await asCommand(import.meta.url, build);
