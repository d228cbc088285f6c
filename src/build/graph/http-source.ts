import { createHash } from "node:crypto";
import { chmod, mkdir, open, rm, utimes } from "node:fs/promises";
import { join, posix } from "node:path";
import { fail, messageOf } from "../../base/errors.ts";
import { newId } from "../../base/ids.ts";
import { DirectoryFiles } from "../context/directory-files.ts";
import { FileTree } from "../context/file-tree.ts";
import type { Job } from "./job.ts";
import type { HttpSource } from "./operation.ts";
import type { SourceFiles } from "./source-files.ts";

const DEFAULT_MODE = 0o600;
const TELL_EVERY_BYTES = 4 * 1024 * 1024;

/**
 * Fetches a file: mode 0600, the server's modification time (Dockerfile reference, "ADD"). Steps that use it are known by its
 * content, for only that tells whether it has changed.
 * @throws unavailable where the server does not give it; invalid for another content than the checksum says.
 */
export async function downloadSource(
  { parts, signal, report, keep }: Pick<Job, "parts" | "signal" | "report" | "keep">,
  source: HttpSource,
): Promise<SourceFiles> {
  const { url } = source;
  const response = await requestUrl(url, signal);
  const name = source.fileName || fileNameOf(url, response.headers.get("content-disposition"));
  const directory = join(parts.temporary, `download-${newId()}`);
  const files = { [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
  keep(files);
  await mkdir(directory, { recursive: true, mode: 0o755 });
  const path = join(directory, name);
  const { digest, size } = await save(response, path, signal, (current) =>
    report({
      id: url,
      name: `downloading ${url}`,
      current,
      total: Number(response.headers.get("content-length")) || 0,
      started: null,
      completed: null,
    }),
  );
  if (source.checksum !== null && source.checksum !== `sha256:${digest}`) {
    fail("invalid", "ADD_CHECKSUM", `digest mismatch for ${url}: sha256:${digest} != ${source.checksum}`);
  }
  const mode = source.mode ?? DEFAULT_MODE;
  await chmod(path, mode);
  const modified = new Date(response.headers.get("last-modified") ?? 0);
  const time = Number.isNaN(modified.getTime()) ? new Date(0) : modified;
  await utimes(path, time, time);
  const tree = new FileTree();
  tree.add(name, { kind: "file", mode, linkName: "", size, contentDigest: size > 0 ? digest : "" });
  return new DirectoryFiles(tree, directory, files[Symbol.asyncDispose]);
}

/** @throws unavailable where the server is not there or does not give it. */
export async function requestUrl(url: string, signal: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { signal });
  } catch (error) {
    if (signal.aborted) throw error;
    return fail("unavailable", "ADD_DOWNLOAD", `Get ${JSON.stringify(url)}: ${messageOf(error)}`, { cause: error });
  }
  if (!response.ok) {
    await response.body?.cancel();
    fail("unavailable", "ADD_DOWNLOAD", `failed to GET ${url} with status ${response.status} ${response.statusText}`);
  }
  return response;
}

async function save(
  response: Response,
  path: string,
  signal: AbortSignal,
  progress: (current: number) => void,
): Promise<{ digest: string; size: number }> {
  const hash = createHash("sha256");
  let size = 0;
  let told = 0;
  await using file = await open(path, "wx", DEFAULT_MODE);
  for await (const bytes of response.body ?? []) {
    if (signal.aborted) fail("cancelled", "BUILD_CANCELLED", "Build cancelled");
    hash.update(bytes);
    await file.write(bytes);
    size += bytes.length;
    if (size - told > TELL_EVERY_BYTES) {
      told = size;
      progress(size);
    }
  }
  return { digest: hash.digest("hex"), size };
}

/** From the URL, or what the server says. */
function fileNameOf(url: string, disposition: string | null): string {
  const { pathname } = new URL(url);
  const fromUrl = pathname.endsWith("/") ? "" : posix.basename(decoded(pathname));
  const [, quoted, plain] = /filename=(?:"([^"]+)"|([^;\s]+))/i.exec(disposition ?? "") ?? [];
  const name = fromUrl || posix.basename(quoted ?? plain ?? "");
  return name === "" || name === "." || name === ".." || name.includes("\0") ? "download" : name;
}

/** A path with a percent sign that escapes nothing means itself. */
function decoded(pathname: string): string {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return pathname;
  }
}
