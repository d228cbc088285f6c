import { posix } from "node:path";
import { parseIgnoreFile } from "../../base/dockerignore.ts";
import { fail } from "../../base/errors.ts";
import type { Digest } from "../../image/digest.ts";
import type { BuildParts } from "../build-parts.ts";
import { type Dockerfile, parseDockerfile } from "../dockerfile/parse-dockerfile.ts";
import type { DockerfileSource } from "../dockerfile/source-excerpt.ts";
import type { DockerfileRequest } from "../dockerfile-request.ts";
import type { LocalSource } from "../graph/operation.ts";
import type { SolveSources } from "../graph/solver.ts";
import { borrowed, type SourceFiles } from "../graph/source-files.ts";
import { vertexOf } from "../graph/vertex.ts";
import { VertexReporter } from "../graph/vertex-reporter.ts";
import { targetOf } from "./compile-dockerfile.ts";
import { remoteContext } from "./remote-context.ts";

/** Bounds on what is read into memory of a context. */
const MAX_DOCKERFILE_BYTES = 4 * 1024 * 1024;

/** A Dockerfile that was read and parsed. A remote context stays until it is disposed of. */
export interface OpenDockerfile extends AsyncDisposable {
  /** As it was asked, with a remote context's files in place of the client's. */
  readonly request: DockerfileRequest;
  readonly source: DockerfileSource;
  readonly dockerfile: Dockerfile;
  /** Patterns of what of the context is not for COPY. */
  readonly ignore: readonly string[];
  /** The step that read it, which warnings belong to. */
  readonly vertex: Digest;
}

/** @throws not-found for no Dockerfile; invalid, with line and caret, for a broken one. */
export async function openDockerfile(parts: BuildParts, asked: DockerfileRequest): Promise<OpenDockerfile> {
  await using resources = new AsyncDisposableStack();
  const request = asked.contextUrl === "" ? asked : await withRemoteContext(parts, asked, resources);
  const { source, ignore, vertex } = await readDockerfile(request);
  const dockerfile = parseDockerfile(source.text, source.name);
  targetOf(dockerfile, request.target);
  const kept = resources.move();
  return { request, source, ignore, vertex, dockerfile, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** The request with both of its directories taken from a URL's content. */
async function withRemoteContext(
  parts: BuildParts,
  request: DockerfileRequest,
  resources: AsyncDisposableStack,
): Promise<DockerfileRequest> {
  const { files, fileName } = await remoteContext(parts, request);
  resources.use(files);
  const local: SolveSources["local"] = async (source, report, signal) =>
    source.name === "context" || source.name === "dockerfile"
      ? borrowed(files)
      : request.sources.local(source, report, signal);
  return { ...request, ...(fileName !== null && { fileName }), sources: { ...request.sources, local } };
}

/** The Dockerfile, and the patterns of the ignore file that is its own or else the context's. */
async function readDockerfile(
  request: DockerfileRequest,
): Promise<{ source: DockerfileSource; ignore: string[]; vertex: Digest }> {
  const name = request.fileName || "Dockerfile";
  const path = posix.normalize(name).replace(/^\/+/, "");
  if (path === ".." || path.startsWith("../")) {
    fail("invalid", "DOCKERFILE_OUTSIDE", `the Dockerfile (${name}) must be within the build context`);
  }
  const own = `${path}.dockerignore`;
  const local: LocalSource = {
    type: "local",
    name: "dockerfile",
    include: [],
    exclude: [],
    // The name in small letters is found too where none was asked for.
    follow: [path, own, ".dockerignore", ...(path === "Dockerfile" ? ["dockerfile"] : [])],
    sharedKey: "dockerfile",
  };
  const vertex = vertexOf({ kind: "source", source: local }, [], {
    name: `[internal] load build definition from ${name}`,
  });
  const reporter = new VertexReporter(vertex, request.status);
  await reporter.started();
  await using files = await request.sources.local(local, reporter.count, request.abort);
  const node = files.tree.resolve(path) ?? (path === "Dockerfile" ? files.tree.resolve("dockerfile") : null);
  if (node?.kind !== "file") {
    await reporter.failed(`failed to read dockerfile: open ${name}: no such file or directory`);
    fail("not-found", "DOCKERFILE_NOT_FOUND", `failed to read dockerfile: open ${name}: no such file or directory`);
  }
  const text = await readText(files, node.path, MAX_DOCKERFILE_BYTES);
  const [ignored, besides] = [await textOrNull(files, own), await textOrNull(files, ".dockerignore")];
  await reporter.completed(false);
  const ignore = ignored ?? (await readIgnoreFile(request)) ?? besides ?? "";
  return { source: { name, text }, ignore: parseIgnoreFile(ignore), vertex: vertex.digest };
}

/** The context's own, which may lie elsewhere than the Dockerfile. null: there is none. */
async function readIgnoreFile(request: DockerfileRequest): Promise<string | null> {
  const source: LocalSource = {
    type: "local",
    name: "context",
    include: [],
    exclude: [],
    follow: [".dockerignore"],
    sharedKey: "context-.dockerignore",
  };
  const vertex = vertexOf({ kind: "source", source }, [], { name: "[internal] load .dockerignore" });
  const reporter = new VertexReporter(vertex, request.status);
  await reporter.started();
  await using files = await request.sources.local(source, reporter.count, request.abort);
  const text = await textOrNull(files, ".dockerignore");
  await reporter.completed(false);
  return text;
}

async function textOrNull(files: SourceFiles, path: string): Promise<string | null> {
  return files.tree.resolve(path)?.kind === "file" ? readText(files, path, MAX_DOCKERFILE_BYTES) : null;
}

async function readText(files: SourceFiles, path: string, limit: number): Promise<string> {
  const node = files.tree.resolve(path);
  if (!node || node.size > limit) {
    fail("invalid", "DOCKERFILE_TOO_LARGE", `${path} is larger than ${limit} bytes`);
  }
  return new TextDecoder().decode(await files.read(node, limit));
}
