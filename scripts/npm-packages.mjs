import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.mjs";
import { ROOT } from "./paths.mjs";

/** Brings node_modules to what package-lock.json says, and leaves it alone when it is so already. */
export async function installByLockfile() {
  if (isInstalled()) return;
  await run("npm", ["ci"]);
}

/**
 * npm notes in node_modules/.package-lock.json what it has installed. Packages for other systems are in the lockfile
 * alone, as optional ones.
 */
function isInstalled() {
  const notes = join(ROOT, "node_modules/.package-lock.json");
  if (!existsSync(notes)) return false;
  const wanted = packagesOf(join(ROOT, "package-lock.json"));
  const present = packagesOf(notes);
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (path === "") return true;
    const found = present[path];
    return found ? found.version === version : optional === true;
  });
}

/**
 * @param {string} path
 * @returns {Record<string, { version?: string, optional?: boolean }>}
 */
function packagesOf(path) {
  return JSON.parse(readFileSync(path, "utf8")).packages;
}
