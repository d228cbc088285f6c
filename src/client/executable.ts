import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * The `lighter` program that belongs to this library: beside it in the package (`dist/client.js`, `dist/lighter`), or
 * in the tree's `dist` when the library is used from its sources, or whatever the PATH has.
 */
export function findExecutable(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const candidates = [join(here, "lighter"), join(here, "../../dist/lighter")];
  return candidates.find((candidate) => existsSync(candidate)) ?? "lighter";
}
