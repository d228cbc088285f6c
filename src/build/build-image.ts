import { rm } from "node:fs/promises";
import { join, posix } from "node:path";
import type { Readable } from "node:stream";
import { compileIgnore, parseIgnoreFile } from "../base/dockerignore.ts";
import { fail, LighterError } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import type { Digest } from "../image/digest.ts";
import { familiarName } from "../image/reference.ts";
import { BuildArgs } from "./build-args.ts";
import type { BuildOptions } from "./build-options.ts";
import type { BuildParts } from "./build-parts.ts";
import type { BuildRun } from "./build-run.ts";
import { BuildCache } from "./cache.ts";
import { shortImageId } from "./commit-step.ts";
import { BuildContext } from "./context/build-context.ts";
import type { FileNode, FileTree } from "./context/file-tree.ts";
import { expandWord } from "./dockerfile/expand.ts";
import type { Instruction, Stage } from "./dockerfile/instruction.ts";
import { type Dockerfile, findStage, parseDockerfile, parseFragment } from "./dockerfile/parse-dockerfile.ts";
import { runInstructionOf } from "./instruction-step.ts";
import { type BuildProgress, ProgressChannel } from "./progress.ts";
import { exitCodeOf } from "./run-step.ts";
import { baseImage } from "./stage-image.ts";
import { type StageState, scratchState, stateOf } from "./stage-state.ts";

/** Bounds on what is read into memory of a context. */
const MAX_DOCKERFILE_BYTES = 4 * 1024 * 1024;

/** What a quiet build remembers to show if it fails. */
const MAX_QUIET_LINES = 10_000;

/**
 * Builds an image from a context, as Docker's classic builder does, saying so step by step in that builder's words.
 *
 * What can be refused before anything is said is thrown, by the first `next()`: no archive, no Dockerfile, a broken one.
 * Later failures are the last thing said, as `errorDetail`. Leaving the iteration, or `abort`, ends the build: the running
 * step is killed, what is half made is removed; images of finished steps stay, as the next build's cache.
 *
 * @param source a tar archive, packed in any way.
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
    await using context = await BuildContext.receive(source, join(directory, "context"), signal);
    const dockerfile = await readDockerfile(context, options.dockerfile);
    const stages = stagesToBuild(dockerfile, options);
    const channel = new ProgressChannel();
    const build: BuildRun = {
      parts,
      options,
      cache: new BuildCache(parts.store),
      args: new BuildArgs(options.buildArgs),
      context,
      escapeChar: dockerfile.directives.escape,
      directory,
      finished: [],
      say: (stream) => channel.push({ stream }),
      signal,
    };
    const work = runBuild(build, dockerfile, stages, channel);
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
  build: BuildRun,
  dockerfile: Dockerfile,
  stages: readonly Stage[],
  channel: ProgressChannel,
): Promise<void> {
  try {
    const { length } = dockerfile.warnings;
    if (length) await build.say(`\u001b[91m${dockerfile.warnings.join("\n")}\n\u001b[0m`);
    const imageId = await runStages(build, dockerfile, stages, channel);
    await finish(build, imageId);
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

async function runStages(
  build: BuildRun,
  dockerfile: Dockerfile,
  stages: readonly Stage[],
  channel: ProgressChannel,
): Promise<Digest> {
  const { globalArgs } = dockerfile;
  const total = stages.reduce((sum, stage) => sum + 1 + stage.instructions.length, globalArgs.length);
  let step = 0;
  const announce = async ({ code }: { readonly code: string }) => {
    if (build.signal.aborted) fail("cancelled", "BUILD_CANCELLED", "Build cancelled");
    await build.say(`Step ${++step}/${total} : ${code}`);
    await build.say("\n");
  };

  for (const instruction of globalArgs) {
    await announce(instruction);
    for (const { name, value } of instruction.args) {
      const expanded = value === null ? null : expandWord(value, build.args.globalLookup, build.escapeChar);
      build.args.declareGlobal(name, expanded);
    }
  }
  for (const stage of stages) {
    await announce(stage.from);
    let state = await beginStage(build, stage);
    for (const instruction of stage.instructions) {
      await announce(instruction);
      state = await runInstructionOf(build, state, instruction);
      await build.say(` ---> ${shortImageId(state.imageId)}\n`);
    }
    if (state.imageId !== null) await channel.push({ aux: { ID: state.imageId } });
    build.finished.push({ name: stage.from.stageName, state });
  }
  return (
    build.finished.at(-1)?.state.imageId ??
    fail("invalid", "NO_IMAGE", "No image was generated. Is your Dockerfile empty?")
  );
}

async function beginStage(build: BuildRun, { from }: Stage): Promise<StageState> {
  if (from.stageName !== null && build.finished.some(({ name }) => name === from.stageName)) {
    fail("invalid", "STAGE_NAME_TAKEN", `${from.stageName} stage name already used`);
  }
  const expand = (word: string) => expandWord(word, build.args.globalLookup, build.escapeChar);
  const base = expand(from.base);
  if (!base) fail("invalid", "BLANK_BASE", `base name (${from.base}) should not be blank`);
  const image = baseImage(build, base, from.platform === null ? build.options.platform : expand(from.platform));
  build.args.beginStage();
  let state = image ? stateOf(image) : scratchState();
  const triggers = image?.config.config?.OnBuild ?? [];
  if (triggers.length) {
    await build.say(`# Executing ${triggers.length} build trigger${triggers.length > 1 ? "s" : ""}\n`);
    for (const trigger of triggers) {
      for (const instruction of parseFragment(trigger, `ONBUILD of ${base}`, build.escapeChar)) {
        state = await runInstructionOf(build, state, instruction);
      }
    }
  }
  await build.say(` ---> ${shortImageId(state.imageId)}\n`);
  return state;
}

async function finish(build: BuildRun, imageId: Digest): Promise<void> {
  const unused = build.args.unused();
  if (unused.length) await build.say(`[Warning] One or more build-args [${unused.join(" ")}] were not consumed\n`);
  await build.say(`Successfully built ${shortImageId(imageId)}\n`);
  for (const tag of build.options.tags) {
    build.parts.tag(imageId, tag);
    await build.say(`Successfully tagged ${familiarName(tag)}\n`);
  }
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

/** The stages up to the target, the labels of `--label` on the last one. */
function stagesToBuild({ stages }: Dockerfile, { target, labels }: BuildOptions): Stage[] {
  const last = target === "" ? stages.length - 1 : findStage(stages, target);
  if (last === null) {
    fail("invalid", "NO_SUCH_STAGE", `failed to reach build target ${target} in Dockerfile`);
  }
  return stages.slice(0, last + 1).map((stage, at) => {
    return at === last ? { ...stage, instructions: [...stage.instructions, ...labelInstructions(labels)] } : stage;
  });
}

function labelInstructions(labels: Readonly<Record<string, string>>): Instruction[] {
  return Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => ({
      kind: "LABEL",
      pairs: [{ key, value }],
      literal: true,
      code: `LABEL ${key}=${value}`,
      firstLine: 0,
      lastLine: 0,
    }));
}

async function readDockerfile(context: BuildContext, name: string): Promise<Dockerfile> {
  const path = posix.normalize(name.replace(/^\/+/, ""));
  if (path.startsWith("../")) {
    fail("invalid", "DOCKERFILE_OUTSIDE", `forbidden path outside the build context: ${name} ()`);
  }
  const { tree } = context;
  // The name in small letters is found too where none was asked for.
  const node = tree.resolve(path) ?? (path === "Dockerfile" ? tree.resolve("dockerfile") : null);
  if (node?.kind !== "file") {
    fail("not-found", "DOCKERFILE_NOT_FOUND", `Cannot locate specified Dockerfile: ${name}`);
  }
  const dockerfile = parseDockerfile(await readText(context, node), name);
  await hideIgnored(context, tree, path);
  return dockerfile;
}

/** Clients send Dockerfile and .dockerignore even if they are to be ignored: the builder needs them, COPY must not see them. */
async function hideIgnored(context: BuildContext, tree: FileTree, dockerfile: string): Promise<void> {
  const file = tree.resolve(".dockerignore");
  if (file?.kind !== "file") return;
  const ignores = compileIgnore(parseIgnoreFile(await readText(context, file)));
  for (const path of [".dockerignore", dockerfile]) if (ignores(path)) tree.remove(path);
}

async function readText(context: BuildContext, node: FileNode): Promise<string> {
  if (node.size > MAX_DOCKERFILE_BYTES) {
    fail("invalid", "DOCKERFILE_TOO_LARGE", `${node.path} is larger than ${MAX_DOCKERFILE_BYTES} bytes`);
  }
  return new TextDecoder().decode(await context.read(node, MAX_DOCKERFILE_BYTES));
}
