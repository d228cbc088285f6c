import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** An empty directory of a test's own, removed when it is disposed of. */
export function scratchDirectory(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(process.env.LIGHTER_TEST_DIRECTORY ?? tmpdir(), "lighter-archive-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
