import { createHash } from "node:crypto";
import { mkdir, open, utimes } from "node:fs/promises";
import { join, posix } from "node:path";
import { fail, messageOf } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import type { BuildRun } from "./build-run.ts";
import type { FoundSource } from "./copy-sources.ts";
import type { InstructionOf } from "./dockerfile/instruction.ts";

export function isUrl(source: string): boolean {
  return /^https?:\/\//i.test(source);
}

/**
 * Fetches what ADD names by a URL into the build's directory: mode 0600, the server's modification time, never unpacked
 * (Dockerfile reference, "ADD"). The cache is asked afterwards, for only the content tells whether it has changed.
 * @throws unavailable where the server does not give it; invalid for another content than `--checksum` says.
 */
export async function download(build: BuildRun, url: string, instruction: InstructionOf<"ADD">): Promise<FoundSource> {
  const response = await request(url, build.signal);
  const name = fileName(url, response.headers.get("content-disposition"), instruction.destination);
  const path = join(build.directory, newId());
  await mkdir(path);
  const hash = createHash("sha256");
  await using file = await open(join(path, "content"), "wx", 0o600);
  for await (const bytes of response.body ?? []) {
    hash.update(bytes);
    await file.write(bytes);
  }
  const digest = hash.digest("hex");
  if (instruction.checksum !== null && instruction.checksum !== `sha256:${digest}`) {
    fail("invalid", "ADD_CHECKSUM", `digest mismatch for ${url}: sha256:${digest} != ${instruction.checksum}`);
  }
  const modified = new Date(response.headers.get("last-modified") ?? 0);
  const time = Number.isNaN(modified.getTime()) ? new Date(0) : modified;
  await utimes(join(path, "content"), time, time);
  return {
    name,
    kind: "file",
    hash: `file:${digest}`,
    from: "/content",
    open: async () => ({ kind: "directory", path }),
    ownersOf: null,
    unpacks: false,
  };
}

async function request(url: string, signal: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { signal });
  } catch (error) {
    return fail("unavailable", "ADD_DOWNLOAD", `Get ${JSON.stringify(url)}: ${messageOf(error)}`, { cause: error });
  }
  if (!response.ok) {
    await response.body?.cancel();
    fail("unavailable", "ADD_DOWNLOAD", `failed to GET ${url} with status ${response.status} ${response.statusText}`);
  }
  return response;
}

/** From the URL, or what the server says; not needed where the destination is the file itself. */
function fileName(url: string, disposition: string | null, destination: string): string {
  const { pathname } = new URL(url);
  const fromUrl = pathname.endsWith("/") ? "" : posix.basename(decoded(pathname));
  const [, quoted, plain] = /filename=(?:"([^"]+)"|([^;\s]+))/i.exec(disposition ?? "") ?? [];
  const name = fromUrl || posix.basename(quoted ?? plain ?? "");
  if (!name && destination.endsWith("/")) {
    fail("invalid", "ADD_NO_NAME", `cannot determine filename for source ${url}: name the file in the destination`);
  }
  return name || "unnamed";
}

/** A path with a percent sign that escapes nothing means itself. */
function decoded(pathname: string): string {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return pathname;
  }
}
