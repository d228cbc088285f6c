import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { run } from "./command.mjs";
import { filesBelow } from "./freshness.mjs";
import { CACHE, EXECUTABLE, ROOT } from "./paths.mjs";

const EXAMPLES = join(ROOT, "examples");
const SERVERS = ["postgres", "redis"];
const ARCHIVES = join(CACHE, "client-images");

/**
 * Puts the images `busybox`, `debian`, `postgres` and `redis` into an engine: Debian's packages, no registry. They are
 * made once and kept as an archive, under a name that changes with their recipes.
 * @param {NodeJS.ProcessEnv} env
 */
export async function provideClientImages(env) {
  const archive = join(ARCHIVES, `${fingerprint()}.tar`);
  /** @type {import("node:child_process").SpawnOptions} */
  const quiet = { env, stdio: ["ignore", "ignore", "inherit"] };
  await run(EXECUTABLE, ["template", "build", "--quiet", "busybox"], quiet);
  if (existsSync(archive)) {
    await run("docker", ["load", "--quiet", "--input", archive], quiet);
    return;
  }
  console.log("making the images debian, postgres and redis");
  await run(EXECUTABLE, ["template", "build", "--quiet", "debian"], quiet);
  for (const name of SERVERS) await run(EXECUTABLE, ["build", "--quiet", "--tag", name, join(EXAMPLES, name)], quiet);
  rmSync(ARCHIVES, { recursive: true, force: true });
  mkdirSync(ARCHIVES, { recursive: true });
  await run("docker", ["save", "--output", `${archive}.part`, "debian", ...SERVERS], quiet);
  renameSync(`${archive}.part`, archive);
}

function fingerprint() {
  const recipes = [join(ROOT, "src/template"), ...SERVERS.map((name) => join(EXAMPLES, name))];
  const files = recipes.flatMap((directory) => filesBelow(directory, (path) => !path.endsWith(".test.ts")));
  const hash = createHash("sha256");
  for (const path of files.sort()) hash.update(`\0${relative(ROOT, path)}\0`).update(readFileSync(path));
  return hash.digest("hex").slice(0, 16);
}
