import { createHash } from "node:crypto";
import { join } from "node:path";

/** Where one engine keeps everything. Two engines with different roots share nothing. */
export interface Paths {
  /** Durable state: database, content, snapshots, volumes, containers' files. */
  readonly root: string;
  /** Sockets and other things that a reboot may lose. Short, for socket paths end at 107 bytes (unix(7)). */
  readonly run: string;
  readonly socket: string;
}

const DEFAULT_ROOT = "/var/lib/lighter";

/**
 * The directories for a root: the argument, `LIGHTER_ROOT`, or /var/lib/lighter. The run directory of a root other than
 * the default has a hash of the root in its name, so that engines never meet.
 */
export function resolvePaths(root: string = process.env.LIGHTER_ROOT || DEFAULT_ROOT): Paths {
  const run =
    root === DEFAULT_ROOT
      ? "/run/lighter"
      : `/run/lighter-${createHash("sha256").update(root).digest("hex").slice(0, 12)}`;
  return { root, run, socket: join(run, "lighter.sock") };
}
