import { posix } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { fail } from "../../base/errors.ts";
import { copyOut, type PathStat, statPath } from "../../snapshot/archive.ts";
import type { RootAccess } from "../../snapshot/root-access.ts";
import { listTree } from "../context/list-tree.ts";
import { createTarReader } from "../context/tar-entries.ts";
import { compilePathMatch } from "../path-match.ts";
import type { StatSchema } from "./proto/fsutil_pb.ts";

/** What one answer may hold. */
const MAX_FILE_BYTES = 15 * 1024 * 1024;
const MAX_NAMES = 100_000;

type Stat = MessageInitShape<typeof StatSchema>;

/** A result's file, or a part of it. @throws invalid for more than an answer holds */
export async function readResultFile(
  root: RootAccess,
  path: string,
  range: { readonly Offset: bigint; readonly Length: bigint } | undefined,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const [from, length] = [Number(range?.Offset ?? 0), Number(range?.Length ?? 0)];
  const absolute = posix.join("/", path);
  const stat = await statPath(root, absolute);
  const wanted = length > 0 ? length : Math.max(0, stat.size - from);
  if (wanted > MAX_FILE_BYTES) {
    fail("invalid", "RESULT_FILE_SIZE", `${path}: an answer holds at most ${MAX_FILE_BYTES} bytes: read it in parts`);
  }
  // A link at the end leads to the file inside the root.
  const archive = copyOut(root, stat.linkTarget || absolute, signal);
  const pieces: Uint8Array[] = [];
  let at = 0;
  const reader = createTarReader({
    onEntry: () => {},
    onContent: (bytes) => {
      const piece = bytes.subarray(Math.max(0, from - at), Math.max(0, from + wanted - at));
      if (piece.length > 0) pieces.push(Buffer.from(piece));
      at += bytes.length;
    },
    onEnd: () => {},
  });
  for await (const bytes of archive) reader.push(bytes);
  return Buffer.concat(pieces);
}

export async function statResultFile(root: RootAccess, path: string): Promise<Stat> {
  return statOf(posix.basename(path), await statPath(root, posix.join("/", path)));
}

/** What is in a result's directory. @param pattern with wildcards; empty: everything */
export async function readResultDirectory(
  root: RootAccess,
  path: string,
  pattern: string,
  signal: AbortSignal,
): Promise<Stat[]> {
  const directory = posix.join("/", path);
  const matches = pattern === "" ? () => true : compilePathMatch(pattern);
  const names = (await listTree(root, directory, signal))
    .filter((found) => posix.dirname(found) === directory)
    .map((found) => posix.basename(found))
    .filter((name) => name !== "" && matches(name));
  if (names.length > MAX_NAMES) fail("invalid", "RESULT_DIRECTORY_SIZE", `${path} has more than ${MAX_NAMES} entries`);
  const stats: Stat[] = [];
  for (const name of names.sort()) stats.push(statOf(name, await statPath(root, posix.join(directory, name))));
  return stats;
}

function statOf(path: string, { mode, size, mtime, linkTarget }: PathStat): Stat {
  return {
    path,
    mode: mode >>> 0,
    size: BigInt(size),
    modTime: BigInt(Date.parse(mtime)) * 1_000_000n,
    linkname: linkTarget,
  };
}
