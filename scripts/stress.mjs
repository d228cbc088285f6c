import { join } from "node:path";
import { build } from "./build.mjs";
import { asCommand, run } from "./command.mjs";
import { BUN, ROOT, testEnvironment } from "./paths.mjs";
import { setUpForTests } from "./setup.mjs";

/** `npm run stress -- --clients 50 --seconds 120`: see test/stress/main.ts. */
async function stress() {
  await setUpForTests();
  await build();
  await run(BUN, [join(ROOT, "test/stress/main.ts"), ...process.argv.slice(2)], { env: testEnvironment() });
}

await asCommand(import.meta.url, stress);
