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
  const run = root === DEFAULT_ROOT ? "/run/lighter" : `/run/lighter-${fingerprint(root)}`;
  return { root, run, socket: `${run}/lighter.sock` };
}

/**
 * 12 hex digits by which roots are told apart: FNV-1a with 64 bits, cut to 48. Not node:crypto, whose loading costs each
 * command a millisecond; who chooses roots is root, so nobody gains by a collision.
 */
function fingerprint(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString(16).padStart(16, "0").slice(0, 12);
}
