import { join } from "node:path";
import { installMissing } from "./apt-packages.mjs";
import { build } from "./build.mjs";
import { asCommand, run } from "./command.mjs";
import { BUN, ROOT, testEnvironment } from "./paths.mjs";
import { setUpForTests } from "./setup.mjs";

/** `npm run bench -- [--vs docker] [--only ROW]... [-n RUNS]`; with --vs, Debian's Docker is installed where it is missing. */
async function bench() {
  const args = process.argv.slice(2);
  await setUpForTests();
  if (args.includes("docker")) await installMissing(["docker.io"]);
  await build();
  await run(BUN, [join(ROOT, "bench/main.ts"), ...args], { env: testEnvironment() });
}

await asCommand(import.meta.url, bench);
