import { z } from "zod";
import { type ErrorKind, LighterError } from "../base/errors.ts";

/** How `lighter-archive` says what failed. */
export const FailureSchema = z.object({
  /** What it was doing: `open`, `read-header`, `mount-overlay`. */
  step: z.string(),
  path: z.string(),
  /** The system's errno name, or one of the helper's own reasons. */
  reason: z.string(),
  /** strerror's text; empty for the helper's own reasons. */
  text: z.string(),
});
export type Failure = z.infer<typeof FailureSchema>;

/** The helper's own reasons, with Docker's words where it has some. */
const WORDS: Record<string, string> = {
  NOT_TAR: "archive/tar: invalid tar header",
  TRUNCATED: "unexpected EOF: the archive ends in the middle of an entry",
  CORRUPT: "the archive's compressed data is damaged",
  UNSAFE_NAME: "the name leads out of the archive's root",
  TOO_LARGE: "a size or name is beyond what a tar archive may say",
  TOO_MANY: "the archive has too many entries",
  UNSUPPORTED: "this kind of entry cannot be unpacked",
  NOT_A_DIRECTORY: "extraction point is not a directory",
  FILE_OVER_DIRECTORY: "cannot overwrite directory with non-directory",
  DIRECTORY_OVER_FILE: "cannot overwrite non-directory with directory",
  UNKNOWN_USER: "unable to find user: no matching entries in passwd file",
  UNKNOWN_GROUP: "unable to find group: no matching entries in group file",
};

/** Failures of the system that are the asker's doing, not ours. */
const KINDS: Record<string, ErrorKind> = {
  ENOENT: "not-found",
  ENOTDIR: "invalid",
  EISDIR: "invalid",
  ELOOP: "invalid",
  ENAMETOOLONG: "invalid",
  ENOSPC: "unavailable",
};

/**
 * Words a failure of the helper. Codes are `ARCHIVE_` and the reason: `ARCHIVE_TRUNCATED`, `ARCHIVE_ENOENT`.
 */
export function archiveError(operation: string, { step, path, reason, text }: Failure): LighterError {
  const where = path === "" ? "" : ` ${JSON.stringify(path)}`;
  const words = WORDS[reason];
  return words === undefined
    ? new LighterError(KINDS[reason] ?? "internal", `ARCHIVE_${reason}`, `${operation}: ${step}${where}: ${text}`)
    : new LighterError("invalid", `ARCHIVE_${reason}`, `${operation}${where}: ${words}`);
}
