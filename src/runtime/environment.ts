import { fail } from "../base/errors.ts";

/** Docker's for Linux; an image without PATH is run with it. */
const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * The environment of a container's first process: Docker's defaults, then `requested` in its order. A later value of a
 * name replaces the earlier one in its place; a bare `NAME` removes it. HOME is the shim's to add, for it depends on the
 * user in the container's /etc/passwd.
 * @throws invalid `INVALID_ENVIRONMENT`
 */
export function containerEnvironment(requested: readonly string[], hostname: string, tty: boolean): string[] {
  const values = new Map([
    ["PATH", DEFAULT_PATH],
    ["HOSTNAME", hostname],
  ]);
  if (tty) values.set("TERM", "xterm");
  return mergeEnvironment(values, requested);
}

/** Adds `NAME=value` and takes away `NAME`, for an exec on top of the container's environment too. */
export function mergeEnvironment(base: ReadonlyMap<string, string>, requested: readonly string[]): string[] {
  const values = new Map(base);
  for (const entry of requested) {
    const at = entry.indexOf("=");
    if (at === 0 || entry === "" || entry.includes("\0")) {
      fail("invalid", "INVALID_ENVIRONMENT", `invalid environment variable: ${entry.replaceAll("\0", "\\0")}`);
    }
    if (at < 0) values.delete(entry);
    else values.set(entry.slice(0, at), entry.slice(at + 1));
  }
  return [...values].map(([name, value]) => `${name}=${value}`);
}
