import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
export const DIST = join(ROOT, "dist");
export const CACHE = join(ROOT, ".cache");
export const EXECUTABLE = join(DIST, "lighter");
export const BUN = join(ROOT, "node_modules/.bin/bun");
export const TSC = join(ROOT, "node_modules/.bin/tsc");

/** Where the docker client is unpacked to when the machine has none; see docker-client.mjs. */
export const CLIENT_DIRECTORY = join(CACHE, "docker-client/usr/bin");

/** A kernel's package, unpacked; see guest-kernel.mjs. */
export const GUEST_KERNEL = join(CACHE, "guest-kernel");

/** The environment for tests and benchmarks: a docker client of the machine's own goes before ours. */
export function testEnvironment() {
  return { ...process.env, PATH: [process.env.PATH, CLIENT_DIRECTORY].join(delimiter) };
}
