import { fail } from "../../base/errors.ts";
import type { Stat } from "./proto/fsutil_pb.ts";

/** A name of a directory on its way, in the system's words. */
export interface FileEntry {
  /** Relative and clean. */
  readonly path: string;
  readonly kind: "file" | "directory" | "symlink" | "hardlink" | "other";
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Nanoseconds since 1970. */
  readonly modTime: bigint;
  /** Of a symbolic link its text, of a hard link the path of the file; else empty. */
  readonly linkName: string;
}

/** Bits of Go's os.FileMode above the permissions. */
const GO = {
  directory: 2 ** 31,
  symlink: 2 ** 27,
  device: 2 ** 26,
  pipe: 2 ** 25,
  socket: 2 ** 24,
  setuid: 2 ** 23,
  setgid: 2 ** 22,
  characterDevice: 2 ** 21,
  sticky: 2 ** 20,
  irregular: 2 ** 19,
} as const;

const GO_TYPE = GO.directory | GO.symlink | GO.device | GO.pipe | GO.socket | GO.characterDevice | GO.irregular;

/** PATH_MAX of Linux; a longer name cannot be opened anyway. */
const MAX_PATH_BYTES = 4095;

/**
 * What a client says of a file, if it can be so.
 * @throws invalid for a path that is not clean and relative: it comes from outside and names a place on our disk
 */
export function parseStat(stat: Stat): FileEntry {
  const { path, mode, uid, gid, size, modTime, linkname } = stat;
  assertClean(path);
  const kind = kindOf(mode, linkname);
  if (kind === "hardlink") assertClean(linkname);
  if (kind === "symlink" && linkname === "") refuse(path, "is a symbolic link to nothing");
  if (size < 0n || size > BigInt(Number.MAX_SAFE_INTEGER)) refuse(path, `has ${size} bytes`);
  return { path, kind, mode: systemBits(mode), uid, gid, size: Number(size), modTime, linkName: linkname };
}

/** Whether a file's content can be asked for: both sides number all names, and know it of these. */
export function hasContent(stat: Stat): boolean {
  return (stat.mode & GO_TYPE) === 0;
}

/** Mode as Go writes it, of a file's type and permission bits. */
export function goMode(kind: "file" | "directory" | "symlink", mode: number): number {
  const type = kind === "directory" ? GO.directory : kind === "symlink" ? GO.symlink : 0;
  const special = (mode & 0o4000 ? GO.setuid : 0) + (mode & 0o2000 ? GO.setgid : 0) + (mode & 0o1000 ? GO.sticky : 0);
  return type + special + (mode & 0o777);
}

function systemBits(mode: number): number {
  return (
    (mode & 0o777) | (mode & GO.setuid ? 0o4000 : 0) | (mode & GO.setgid ? 0o2000 : 0) | (mode & GO.sticky ? 0o1000 : 0)
  );
}

function kindOf(mode: number, linkName: string): FileEntry["kind"] {
  if (mode & GO.directory) return "directory";
  if (mode & GO.symlink) return "symlink";
  if (mode & GO_TYPE) return "other";
  return linkName === "" ? "file" : "hardlink";
}

function assertClean(path: string): void {
  const parts = path.split("/");
  if (parts.some((part) => part === "" || part === "." || part === "..") || path.includes("\0")) {
    refuse(path, "is no clean relative path");
  }
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) refuse(`${path.slice(0, 64)}…`, "is too long");
}

function refuse(path: string, why: string): never {
  fail("invalid", "CONTEXT_UNSAFE_NAME", `the build context's entry ${JSON.stringify(path)} ${why}`);
}
