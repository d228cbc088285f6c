import type { Stats } from "node:fs";
import { lstat, realpath, stat } from "node:fs/promises";
import { basename, dirname, posix, resolve } from "node:path";
import { errnoOf, LighterError } from "../../base/errors.ts";
import type { Api } from "../../client/api.ts";
import { formatByteSize } from "../byte-size.ts";
import { printError, STDERR, STDOUT, write } from "../output.ts";

export interface CopyChoice {
  readonly keepOwners: boolean;
  readonly followLink: boolean;
  readonly quiet: boolean;
}

/** A path in a container, or on this machine when `container` is null. */
export interface CopyPath {
  readonly container: string | null;
  readonly path: string;
}

/** What the engine says of a path in a container; `mode` has Go's bits. */
interface PathStat {
  readonly name: string;
  readonly size: number;
  readonly mode: number;
  readonly linkTarget: string;
}

const STAT_HEADER = "x-docker-container-path-stat";
/** Go's fs.ModeDir and fs.ModeSymlink. */
const MODE_DIRECTORY = 0x80000000;
const MODE_SYMLINK = 0x08000000;
const BLOCK_BYTES = 512;

/** `container:path`; what begins with a slash or a dot is this machine's, whatever colons follow. */
export function parseCopyPath(text: string): CopyPath {
  const at = text.indexOf(":");
  if (at < 1 || text.startsWith("/") || text.startsWith(".")) return { container: null, path: text };
  return { container: text.slice(0, at), path: text.slice(at + 1) };
}

/** Docker's rules: into a directory that is there, else under the target's name; `source/.` is what a directory holds. */
export async function copyFromContainer(
  api: Api,
  container: string,
  sourcePath: string,
  targetPath: string,
  choice: CopyChoice,
): Promise<void> {
  const path = choice.followLink ? await followLink(api, container, sourcePath) : sourcePath;
  const answer = await api.call("GET", archivePath(container), { query: { path } });
  const source = decodeStat(answer.headers.get(STAT_HEADER));
  if (targetPath === "-") {
    for await (const chunk of answer.body) await write(STDOUT, chunk);
    return;
  }
  const target = resolve(targetPath);
  const present = await stat(target).catch(() => null);
  const place = await placeOnDisk(target, present, sourcePath, source, targetPath);
  const counted = countBytes(answer.body);
  const { unpackTree } = await import("../archive/unpack-tree.ts");
  await unpackTree(counted.stream, place, { keepOwners: choice.keepOwners });
  await report(choice, counted.total(), `${target}`);
}

/** @see copyFromContainer */
export async function copyToContainer(
  api: Api,
  sourcePath: string,
  container: string,
  targetPath: string,
  choice: CopyChoice,
): Promise<void> {
  const target = await containerTarget(api, container, targetPath);
  const options = { noOverwriteDirNonDir: true, copyUIDGID: choice.keepOwners ? true : undefined };
  if (sourcePath === "-") {
    if (!target.isDirectory) throw new Error(`destination "${container}:${targetPath}" must be a directory`);
    return put(api, container, Bun.stdin.stream(), { path: target.path, ...options });
  }
  const source = await localSource(sourcePath, choice.followLink);
  if (target.exists && !target.isDirectory && source.stats.isDirectory()) throw new Error("cannot copy directory");
  if (!target.exists && /\/\.?$/.test(targetPath) && !source.stats.isDirectory()) throw new Error("no such directory");
  const name = target.isDirectory ? (source.contentOnly ? "." : basename(source.path)) : posix.basename(target.path);
  const path = target.isDirectory ? target.path : posix.dirname(target.path);
  const { packTree } = await import("../../client/pack-tree.ts");
  const counted = countBytes(packTree(source.path, { rootName: name }));
  await put(api, container, counted.stream, { path, ...options });
  await report(choice, counted.total(), `${container}:${targetPath}`);
}

function put(
  api: Api,
  container: string,
  archive: AsyncIterable<Uint8Array>,
  query: Record<string, string | boolean | undefined>,
): Promise<void> {
  const headers = { "Content-Type": "application/x-tar" };
  return api.send("PUT", archivePath(container), { query, stream: archive, headers }).then(() => {});
}

/** Where on this disk the source's top lands. */
async function placeOnDisk(
  target: string,
  present: Stats | null,
  sourcePath: string,
  source: PathStat,
  asWritten: string,
): Promise<string> {
  const sourceIsDirectory = (source.mode & MODE_DIRECTORY) !== 0;
  const name = source.name.replaceAll("/", "") || ".";
  if (present?.isDirectory()) return /(^|\/)\.$/.test(sourcePath) ? target : resolve(target, name);
  if (present && sourceIsDirectory) throw new Error("cannot copy directory");
  if (!present && /\/$/.test(asWritten) && !sourceIsDirectory) throw new Error("no such directory");
  const parent = dirname(target);
  if (!(await stat(parent).catch(() => null)))
    throw new Error(`invalid output path: directory "${parent}" does not exist`);
  return target;
}

async function localSource(
  path: string,
  follow: boolean,
): Promise<{ path: string; stats: Stats; contentOnly: boolean }> {
  try {
    // A slash at the end means what a link points to, as everywhere.
    const real = follow || /\/\.?$/.test(path) ? await realpath(path) : resolve(path);
    return { path: real, stats: await lstat(real), contentOnly: /(^|\/)\.$/.test(path) };
  } catch (error) {
    if (errnoOf(error) === "ENOENT") throw new Error(`lstat ${resolve(path)}: no such file or directory`);
    throw error;
  }
}

async function containerTarget(
  api: Api,
  container: string,
  path: string,
): Promise<{ path: string; exists: boolean; isDirectory: boolean }> {
  const absolute = posix.resolve("/", path);
  const found = await statInContainer(api, container, absolute);
  if (found === null) return { path: absolute, exists: false, isDirectory: false };
  if ((found.mode & MODE_SYMLINK) !== 0) {
    const pointed = posix.resolve(posix.dirname(absolute), found.linkTarget);
    const behind = await statInContainer(api, container, pointed);
    return {
      path: pointed,
      exists: behind !== null,
      isDirectory: behind !== null && (behind.mode & MODE_DIRECTORY) !== 0,
    };
  }
  return { path: absolute, exists: true, isDirectory: (found.mode & MODE_DIRECTORY) !== 0 };
}

/** null when the path is not there; a container that is not there is an error. */
async function statInContainer(api: Api, container: string, path: string): Promise<PathStat | null> {
  try {
    const answer = await api.send("HEAD", archivePath(container), { query: { path } });
    return decodeStat(answer.headers.get(STAT_HEADER));
  } catch (error) {
    if (!(error instanceof LighterError) || error.kind !== "not-found") throw error;
    // HEAD has no text that would tell which of the two is missing.
    await api.send("GET", `/containers/${encodeURIComponent(container)}/json`);
    return null;
  }
}

async function followLink(api: Api, container: string, path: string): Promise<string> {
  const found = await statInContainer(api, container, path);
  if (!found || (found.mode & MODE_SYMLINK) === 0) return path;
  return posix.resolve(posix.dirname(posix.resolve("/", path)), found.linkTarget);
}

function decodeStat(header: string | undefined): PathStat {
  return JSON.parse(Buffer.from(header ?? "", "base64").toString());
}

function archivePath(container: string): string {
  return `/containers/${encodeURIComponent(container)}/archive`;
}

function countBytes(stream: AsyncIterable<Uint8Array>): { stream: AsyncIterable<Uint8Array>; total(): number } {
  let total = 0;
  async function* counted(): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of stream) {
      total += chunk.length;
      yield chunk;
    }
  }
  return { stream: counted(), total: () => total };
}

async function report({ quiet }: CopyChoice, bytes: number, target: string): Promise<void> {
  if (quiet || !(await import("../streams/terminal.ts")).isTerminal(STDERR)) return;
  await printError(`Successfully copied ${formatByteSize(Math.max(bytes, BLOCK_BYTES))} to ${target}`);
}
