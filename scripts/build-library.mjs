import { join } from "node:path";
import { run } from "./command.mjs";
import { filesBelow } from "./freshness.mjs";
import { BUN, DIST, ROOT, TSC } from "./paths.mjs";

/**
 * The published library: `dist/client.js`, one module for Node 20 and Bun, with its dependencies inside, and its
 * declarations under `dist/types`.
 * @returns {import("./freshness.mjs").Target}
 */
export function libraryTarget() {
  const entry = join(ROOT, "src/client/client.ts");
  const output = join(DIST, "client.js");
  const bundle = ["build", "--target=node", "--format=esm", "--minify-syntax", entry, `--outfile=${output}`];
  const declare = [
    ...["--ignoreConfig", "--strict", "--skipLibCheck", "--target", "esnext", "--module", "preserve"],
    ...["--moduleResolution", "bundler", "--allowImportingTsExtensions", "--types", "node,bun"],
    ...["--declaration", "--emitDeclarationOnly", "--rootDir", "src", "--outDir", "dist/types", entry],
  ];
  return {
    name: "client.js",
    inputs: [
      ...filesBelow(join(ROOT, "src/client"), (path) => !path.endsWith(".test.ts")),
      ...filesBelow(join(ROOT, "src/base"), (path) => !path.endsWith(".test.ts")),
      join(ROOT, "package-lock.json"),
    ],
    recipe: [...bundle, ...declare],
    outputs: [output, join(DIST, "types/client/client.d.ts")],
    async make() {
      await run(BUN, bundle, { stdio: ["ignore", "ignore", "inherit"] });
      await run(TSC, declare);
    },
  };
}
