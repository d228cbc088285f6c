import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ServeOptions, serveRegistry } from "../../src/registry/server/serve-registry.ts";
import type { TestRegistry } from "./reference-registry.ts";

export interface OwnRegistry extends TestRegistry {
  readonly root: string;
  readonly metricsUrl: string | null;
}

/** Our registry in this process, on a directory of its own unless one is given. */
export async function startOwnRegistry(options: Partial<ServeOptions> = {}): Promise<OwnRegistry> {
  const root = options.root ?? mkdtempSync(join(tmpdir(), "own-registry-"));
  const running = await serveRegistry({ address: "127.0.0.1:0", log: () => {}, ...options, root });
  return {
    root,
    url: running.url,
    host: new URL(running.url).host,
    metricsUrl: running.metricsUrl,
    [Symbol.asyncDispose]: async () => {
      await running[Symbol.asyncDispose]();
      if (options.root === undefined) rmSync(root, { recursive: true, force: true });
    },
  };
}
