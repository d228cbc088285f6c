import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { DIST, ROOT } from "./paths.mjs";

/**
 * @typedef {object} Target
 * @property {string} name what is printed, and the stamp's name
 * @property {readonly string[]} inputs every file that the output depends on
 * @property {readonly string[]} recipe whatever else it depends on: the command line
 * @property {readonly string[]} outputs
 * @property {() => Promise<void>} make
 */

/**
 * Makes a target whose inputs or recipe differ from the last time that it was made, or whose output is gone. Contents
 * are compared, not times: a checkout or a touched file rebuilds nothing.
 * @param {Target} target
 * @param {string} [stamps] where the fingerprints of what was made are kept
 * @returns {Promise<boolean>} whether it was made
 */
export async function makeStale(target, stamps = join(DIST, ".stamps")) {
  const stamp = join(stamps, target.name);
  const fingerprint = fingerprintOf(target);
  const fresh = existsSync(stamp) && readFileSync(stamp, "utf8") === fingerprint && target.outputs.every(existsSync);
  if (fresh) return false;
  await target.make();
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, fingerprint);
  return true;
}

/** @param {Target} target */
function fingerprintOf({ inputs, recipe }) {
  const hash = createHash("sha256").update(JSON.stringify(recipe));
  for (const path of [...inputs].sort()) {
    hash.update(`\0${relative(ROOT, path)}\0`).update(readFileSync(path));
  }
  return hash.digest("hex");
}

/**
 * All files below a directory that pass.
 * @param {string} directory
 * @param {(path: string) => boolean} passes
 * @returns {string[]}
 */
export function filesBelow(directory, passes) {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((name) => join(directory, name))
    .filter((path) => passes(path) && statSync(path).isFile());
}
