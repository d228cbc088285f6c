import { LighterError } from "../base/errors.ts";
import { statPath } from "../snapshot/archive.ts";
import type { RootAccess } from "../snapshot/root-access.ts";

/** Go's os.ModeDir and os.ModeSymlink, as stat headers have them. */
const MODE_DIRECTORY = 0x8000_0000;
const MODE_SYMLINK = 0x0800_0000;

export type PathKind = "directory" | "other" | "nothing";

/** What stands at a path of a root, a symbolic link at its end followed. */
export async function pathKind(root: RootAccess, path: string): Promise<PathKind> {
  try {
    const found = await statPath(root, path);
    // Bitwise operators see 32 bits with a sign; a division does not.
    const has = (bit: number) => Math.floor(found.mode / bit) % 2 === 1;
    if (has(MODE_SYMLINK))
      return found.linkTarget === "" || found.linkTarget === path ? "nothing" : pathKind(root, found.linkTarget);
    return has(MODE_DIRECTORY) ? "directory" : "other";
  } catch (error) {
    if (error instanceof LighterError && error.kind === "not-found") return "nothing";
    // A file stands where the way leads through: whoever writes there gets to know.
    if (error instanceof LighterError && error.code === "ARCHIVE_ENOTDIR") return "nothing";
    throw error;
  }
}
