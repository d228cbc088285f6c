import { createWriteStream } from "node:fs";
import { chmod, chown, lchown, link, lstat, mkdir, rm, symlink, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract, type Header } from "tar-stream";
import { bytesOf } from "../../client/stream-bytes.ts";

/** One entry of the archive, as the reader yields it. */
type Source = AsyncIterable<unknown> & { readonly header: Header; resume(): unknown };

export interface UnpackOptions {
  /** Give files the owners that the archive names, which needs root. */
  readonly keepOwners: boolean;
  /** The names are the target's own: the archive has no single thing at its top that the target replaces. */
  readonly keepsTop?: boolean;
}

/**
 * Unpacks an archive with one thing at its top so that this becomes `target`, whatever its name in the archive.
 * The archive comes out of a container and is not trusted: no name leaves the target, and nothing is written through a
 * symbolic link, neither one of the archive's nor one that was there (CVE-2019-14271 and its kind).
 * @throws Error naming the entry
 */
export async function unpackTree(
  archive: AsyncIterable<Uint8Array>,
  target: string,
  options: UnpackOptions,
): Promise<void> {
  const reader = extract();
  const feeding = pipeline(Readable.from(archive, { objectMode: false }), reader);
  feeding.catch(() => {}); // The loop below ends with the same error.
  const directories: { readonly path: string; readonly header: Header }[] = [];
  for await (const entry of reader) {
    const path = placeOf(entry.header.name, target, options);
    await refuseLinksAbove(path, target);
    await unpackEntry(entry, path, target, options);
    if (entry.header.type === "directory") directories.push({ path, header: entry.header });
  }
  await feeding;
  // Last, because a directory may be read-only, and filling it changes its time.
  for (const { path, header } of directories.reverse()) await setAttributes(path, header, options);
}

/** The entry's path under the target: its name without the first part, which is what the target replaces. */
function placeOf(name: string, target: string, { keepsTop = false }: UnpackOptions): string {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..") || name.startsWith("/") || name.includes("\0")) {
    throw new Error(`the archive's entry ${JSON.stringify(name)} would leave the target directory`);
  }
  // `.` is a name too: an archive of a directory's content is rooted at it.
  return join(target, ...(keepsTop || name === "." || name.startsWith("./") ? parts : parts.slice(1)));
}

async function refuseLinksAbove(path: string, target: string): Promise<void> {
  for (let above = dirname(path); above.length > target.length; above = dirname(above)) {
    const stats = await lstat(above).catch(() => null);
    if (stats?.isSymbolicLink()) throw new Error(`the archive would write through the symbolic link ${above}`);
  }
}

async function unpackEntry(entry: Source, path: string, target: string, options: UnpackOptions): Promise<void> {
  const { header } = entry;
  const present = await lstat(path).catch(() => null);
  if (header.type === "directory") {
    if (present && !present.isDirectory()) await rm(path);
    await mkdir(path, { recursive: true, mode: 0o700 });
    entry.resume();
    return;
  }
  if (present?.isDirectory()) throw new Error(`cannot overwrite directory ${path} with the archive's ${header.name}`);
  if (present) await rm(path);
  switch (header.type) {
    case "file":
    case "contiguous-file":
      await pipeline(bytesOf(entry), createWriteStream(path, { flags: "wx", mode: 0o600 }));
      await setAttributes(path, header, options);
      return;
    case "symlink":
      await symlink(header.linkname ?? "", path);
      if (options.keepOwners) await lchown(path, header.uid ?? 0, header.gid ?? 0);
      break;
    case "link": {
      const source = placeOf(header.linkname ?? "", target, options);
      await refuseLinksAbove(source, target);
      await link(source, path);
      break;
    }
    default:
      throw new Error(
        `cannot copy ${header.name}: a ${header.type} can only be copied as an archive (use - as target)`,
      );
  }
  entry.resume();
}

async function setAttributes(path: string, header: Header, { keepOwners }: UnpackOptions): Promise<void> {
  if (keepOwners) await chown(path, header.uid ?? 0, header.gid ?? 0);
  await chmod(path, (header.mode ?? 0o644) & 0o7777);
  if (header.mtime) await utimes(path, header.mtime, header.mtime);
}
