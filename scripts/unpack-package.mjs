import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { exitCodeOf, run } from "./command.mjs";

/**
 * Fetches a Debian package and unpacks it into a directory of its own, without installing it: what it would start or change
 * on the user's machine is not what the tests are about.
 * @param {string} name
 * @param {string} directory emptied first
 * @returns {Promise<boolean>} false where apt has no such package
 */
export async function unpackPackage(name, directory) {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const options = { cwd: directory };
  if ((await exitCodeOf("apt-get", ["download", name], options)) !== 0) return false;
  const archive = readdirSync(directory).find((file) => file.endsWith(".deb"));
  await run("dpkg-deb", ["--extract", archive ?? "", "."], options);
  return true;
}
