import { randomUUID } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { fail } from "../../base/errors.ts";
import type { BuildParts } from "../build-parts.ts";
import { BuildContext } from "../context/build-context.ts";
import { DirectoryFiles, scanDirectory } from "../context/directory-files.ts";
import { startsLikeArchive } from "../context/inflate.ts";
import type { DockerfileRequest } from "../dockerfile-request.ts";
import { parseGitUrl } from "../git-url.ts";
import { cloneSource } from "../graph/git-source.ts";
import { requestUrl } from "../graph/http-source.ts";
import { borrowed, type SourceFiles } from "../graph/source-files.ts";

/** More is no Dockerfile. */
const MAX_TEXT_BYTES = 4 * 1024 * 1024;

/**
 * A context that the client does not send: a git repository, a tar archive at an address, or a Dockerfile there, which is
 * then all there is.
 * @returns fileName where the address alone says which Dockerfile is meant.
 */
export async function remoteContext(
  parts: BuildParts,
  { contextUrl, abort, sources, limits, ...rest }: DockerfileRequest,
): Promise<{ files: SourceFiles; fileName: string | null }> {
  const directory = join(parts.temporary, `remote-${randomUUID()}`);
  await using resources = new AsyncDisposableStack();
  resources.defer(() => rm(directory, { recursive: true, force: true }));
  await mkdir(directory, { recursive: true, mode: 0o755 });
  const git = parseGitUrl(contextUrl);
  if (git) {
    const request = { ...rest, sources, limits, targets: [], noCache: false, epochSeconds: null, abort };
    const files = await cloneSource(
      { parts, signal: abort, log: async () => {}, keep: (kept) => void resources.use(kept), request },
      { type: "git", ...git, keepGitDirectory: false, checksum: null, skipSubmodules: false },
    );
    return { files: owning(files, resources.move()), fileName: null };
  }
  const response = await requestUrl(contextUrl, abort);
  if (!response.body) fail("unavailable", "ADD_DOWNLOAD", `${contextUrl} has no content`);
  const source = Readable.fromWeb(response.body);
  const { isArchive, stream } = await startsLikeArchive(source);
  if (isArchive) {
    const files = await BuildContext.receive(stream, join(directory, "context"), abort);
    return { files: owning(files, resources.move()), fileName: null };
  }
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const bytes of stream) {
    size += bytes.length;
    if (size > MAX_TEXT_BYTES) fail("invalid", "BUILD_CONTEXT", `${contextUrl} is neither an archive nor a Dockerfile`);
    pieces.push(bytes);
  }
  await writeFile(join(directory, "Dockerfile"), Buffer.concat(pieces));
  const files = new DirectoryFiles(await scanDirectory(directory, abort), directory, async () => {});
  return { files: owning(files, resources.move()), fileName: "Dockerfile" };
}

function owning(files: SourceFiles, resources: AsyncDisposableStack): SourceFiles {
  resources.use(files);
  return { ...borrowed(files), [Symbol.asyncDispose]: () => resources.disposeAsync() };
}
