import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { compileIgnore } from "../../base/dockerignore.ts";
import { fail, LighterError } from "../../base/errors.ts";
import { newId } from "../../base/ids.ts";
import type { BuildParts } from "../build-parts.ts";
import { BuildContext } from "../context/build-context.ts";
import type { DockerfileRequest } from "../dockerfile-request.ts";
import { type OpenDockerfile, openDockerfile } from "../frontend/open-dockerfile.ts";
import { exitCodeOf } from "../graph/exec-vertex.ts";
import type { LocalSource } from "../graph/operation.ts";
import { borrowed, type SourceFiles } from "../graph/source-files.ts";
import type { BuildOptions } from "./build-options.ts";
import { refusedBeforehand } from "./classic-words.ts";
import { type BuildProgress, ProgressChannel } from "./progress.ts";
import { tellBuild } from "./tell-build.ts";
import { VertexFeed } from "./vertex-feed.ts";

/** What a quiet build remembers to show if it fails. */
const MAX_QUIET_LINES = 10_000;

/**
 * Builds an image from a context as Docker's classic builder does, saying so step by step in that builder's words. The work
 * is the graph's: stages run side by side, and what they say is told in the Dockerfile's order.
 *
 * What can be refused before anything is said is thrown, by the first `next()`: no archive, no Dockerfile, a broken one.
 * Later failures are the last thing said, as `errorDetail`. Leaving the iteration, or `abort`, ends the build: every running
 * step is killed, what is half made is removed; finished steps stay, as the next build's cache.
 *
 * @param source a tar archive, packed in any way; not read where the options name a remote context.
 */
export async function* buildImage(
  parts: BuildParts,
  options: BuildOptions,
  source: Readable,
  abort: AbortSignal,
): AsyncGenerator<BuildProgress> {
  const directory = join(parts.temporary, `build-${newId()}`);
  const leaving = new AbortController();
  const signal = AbortSignal.any([abort, leaving.signal]);
  try {
    await using context = options.remote
      ? null
      : await BuildContext.receive(source, join(directory, "context"), signal);
    const feed = new VertexFeed();
    const request = requestOf(options, context, feed, signal);
    await using opened = await openDockerfile(parts, request).catch((error) => {
      throw refusedBeforehand(error, request.fileName);
    });
    const channel = new ProgressChannel();
    const work = runBuild(parts, options, opened, feed, channel);
    try {
      yield* options.quiet ? onlyOutcome(channel) : channel;
    } finally {
      leaving.abort();
      await work;
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Runs to the end and never throws: how it went is what the channel says last. */
async function runBuild(
  parts: BuildParts,
  options: BuildOptions,
  opened: OpenDockerfile,
  feed: VertexFeed,
  channel: ProgressChannel,
): Promise<void> {
  try {
    await tellBuild(parts, options, opened, feed, channel);
    channel.end();
  } catch (error) {
    if (!(error instanceof LighterError)) channel.end(error);
    else {
      const { message } = error;
      const code = exitCodeOf(error);
      await channel.push({ errorDetail: { ...(code !== undefined && { code }), message }, error: message });
      channel.end();
    }
  }
}

function requestOf(
  options: BuildOptions,
  context: BuildContext | null,
  feed: VertexFeed,
  abort: AbortSignal,
): DockerfileRequest {
  return {
    fileName: options.dockerfile,
    contextUrl: options.remote,
    namedContexts: new Map(),
    target: options.target,
    buildArgs: options.buildArgs,
    labels: options.labels,
    platform: options.platform,
    noCache: options.noCache ? "all" : [],
    pull: options.pull,
    cacheFrom: options.cacheFrom,
    networkMode: options.networkMode,
    extraHosts: options.extraHosts,
    hostname: "",
    isClassic: true,
    sources: {
      local: async (source) => localFiles(context, options.dockerfile, source),
      secret: async () => null,
      ssh: async () => null,
    },
    status: feed.sink,
    abort,
    entitlements: new Set(options.networkMode === "host" ? ["network.host"] : []),
    limits: options,
  };
}

/** Clients send Dockerfile and .dockerignore even if they are to be ignored: the builder needs them, COPY must not see them. */
function localFiles(context: BuildContext | null, dockerfile: string, source: LocalSource): SourceFiles {
  if (!context) fail("not-found", "NO_CONTEXT", "the build has no context");
  if (source.name === "context") {
    const isIgnored = compileIgnore(source.exclude);
    for (const path of [".dockerignore", dockerfile]) if (isIgnored(path)) context.tree.remove(path);
  }
  return borrowed(context);
}

/** Of a quiet build only the id is said, or all that led to its failure. */
async function* onlyOutcome(channel: ProgressChannel): AsyncGenerator<BuildProgress> {
  const said: BuildProgress[] = [];
  let imageId = "";
  let hasFailed = false;
  for await (const progress of channel) {
    if ("aux" in progress) imageId = progress.aux.ID;
    else said.push(progress);
    if (said.length > MAX_QUIET_LINES) said.shift();
    hasFailed ||= "error" in progress;
  }
  if (hasFailed) yield* said;
  else yield { stream: `${imageId}\n` };
}
