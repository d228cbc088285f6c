import { createHash } from "node:crypto";
import { fail } from "../../base/errors.ts";
import { newId, shortId } from "../../base/ids.ts";
import { type Digest, hexOf } from "../../image/digest.ts";
import type { Image } from "../../image/image-store.ts";
import { familiarName } from "../../image/reference.ts";
import { type PreparedBuild, prepareDockerfile } from "../build-dockerfile.ts";
import type { BuildParts } from "../build-parts.ts";
import { assembleImage } from "../frontend/assemble-image.ts";
import type { CompiledStage, CompiledStep } from "../frontend/compilation.ts";
import type { OpenDockerfile } from "../frontend/open-dockerfile.ts";
import { createdTime } from "../graph/created-time.ts";
import type { Solved, VertexOutcome } from "../graph/solver.ts";
import { squashedImage } from "../squash.ts";
import type { BuildOptions } from "./build-options.ts";
import { inClassicWords } from "./classic-words.ts";
import type { ProgressChannel } from "./progress.ts";
import type { VertexFeed } from "./vertex-feed.ts";

/** One build being told. */
interface Telling {
  readonly parts: BuildParts;
  readonly options: BuildOptions;
  readonly build: PreparedBuild;
  readonly feed: VertexFeed;
  readonly outcomes: ReadonlyMap<Digest, VertexOutcome>;
  readonly solving: Promise<Solved>;
  readonly say: (stream: string) => Promise<void>;
  readonly announce: (code: string) => Promise<void>;
}

/** Where a stage stands in the telling. */
interface Told {
  readonly imageId: Digest | null;
  /** When each step of the history was made. */
  readonly created: readonly string[];
}

/** Compiles, solves, and says step by step how it goes. @throws in the classic builder's words. */
export async function tellBuild(
  parts: BuildParts,
  options: BuildOptions,
  opened: OpenDockerfile,
  feed: VertexFeed,
  channel: ProgressChannel,
): Promise<void> {
  const say = (stream: string) => channel.push({ stream });
  const { warnings } = opened.dockerfile;
  if (warnings.length) await say(`\u001b[91m${warnings.join("\n")}\n\u001b[0m`);
  await using build = await prepareDockerfile(parts, opened).catch((error) => {
    throw inClassicWords(error, null);
  });
  const { globalArgs, stages, target } = build.compiled;
  const outcomes = new Map<Digest, VertexOutcome>();
  const solving = build.solve(target.end.root === null ? [] : [target.end.root], {
    onOutcome: (vertex, outcome) => outcomes.set(vertex, outcome),
  });
  solving.catch(() => {}); // Whoever waits for a step hears of it.
  try {
    const total = stages.reduce((sum, stage) => sum + 1 + stage.steps.length - stage.triggers, globalArgs.length);
    let step = 0;
    const announce = async (code: string) => {
      if (opened.request.abort.aborted) fail("cancelled", "BUILD_CANCELLED", "Build cancelled");
      await say(`Step ${++step}/${total} : ${code}`);
      await say("\n");
    };
    const telling: Telling = { parts, options, build, feed, outcomes, solving, say, announce };
    for (const { code } of globalArgs) await announce(code);
    const told = new Map<CompiledStage, Told>();
    for (const stage of stages) {
      const end = await tellStage(telling, stage, (stage.from && told.get(stage.from)) ?? null);
      if (end.imageId !== null) await channel.push({ aux: { ID: end.imageId } });
      told.set(stage, end);
    }
    const imageId =
      told.get(target)?.imageId ?? fail("invalid", "NO_IMAGE", "No image was generated. Is your Dockerfile empty?");
    await finish(telling, imageId, channel);
  } finally {
    await (await solving.catch(() => null))?.[Symbol.asyncDispose]();
  }
}

async function tellStage(telling: Telling, stage: CompiledStage, from: Told | null): Promise<Told> {
  const { say, announce } = telling;
  await announce(stage.stage.from.code);
  let told: Told = { imageId: from?.imageId ?? stage.start.baseId, created: from?.created ?? [] };
  const { triggers } = stage;
  if (triggers) await say(`# Executing ${triggers} build trigger${triggers > 1 ? "s" : ""}\n`);
  for (const step of stage.steps.slice(0, triggers)) told = await tellStep(telling, step, told);
  await say(` ---> ${shortImageId(told.imageId)}\n`);
  for (const step of stage.steps.slice(triggers)) {
    await announce(step.instruction.code);
    told = await tellStep(telling, step, told);
    await say(` ---> ${shortImageId(told.imageId)}\n`);
  }
  return told;
}

async function tellStep(telling: Telling, step: CompiledStep, before: Told): Promise<Told> {
  const { parts, build, outcomes } = telling;
  await noteOverriding(telling, step);
  const created = step.history.vertex ? await tellVertex(telling, step) : await tellMetadata(telling, step, before);
  const times = [...before.created, created];
  const { config, chainId } = assembleImage(step.state, {
    layers: parts.layers,
    outcomes,
    epochSeconds: build.epochSeconds,
    classic: { createdOf: (number) => times[number] ?? created },
  });
  const image: Image = await parts.images.create({ config, topChainId: chainId, parentId: before.imageId });
  return { imageId: image.id, created: times };
}

async function noteOverriding({ say }: Telling, { instruction, before }: CompiledStep): Promise<void> {
  if (instruction.kind !== "HEALTHCHECK") return;
  const [first, ...rest] = before.config.Healthcheck?.Test ?? [];
  if (first !== undefined && first !== "NONE") {
    await say(`Note: overriding previous HEALTHCHECK: [${[first, ...rest].join(" ")}]\n`);
  }
}

/** A step that the graph carries out. @returns when it was made. */
async function tellVertex(telling: Telling, { instruction, history }: CompiledStep): Promise<string> {
  const { feed, solving, outcomes, say, options } = telling;
  const vertex = history.vertex ?? fail("internal", "NO_VERTEX", "a step without a vertex");
  const id = newId();
  const hasContainer = instruction.kind === "RUN" || instruction.kind === "WORKDIR";
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  let isRunning = false;
  const status = await feed.follow(
    vertex.digest,
    {
      onStarted: async () => {
        if (!hasContainer) return;
        isRunning = true;
        await say(` ---> Running in ${shortId(id)}\n`);
      },
      // Characters are not torn apart, and stderr is red as Docker has it.
      onLog: async ({ stream, data }) => {
        const text = decoders[stream].decode(data, { stream: true });
        if (text) await say(stream === "stderr" ? `\u001b[91m${text}\u001b[0m` : text);
      },
    },
    solving,
  );
  const outcome = outcomes.get(vertex.digest);
  if (!outcome) {
    await solving.catch((error) => {
      throw inClassicWords(error, instruction);
    });
    fail("internal", "STEP_LOST", "a step of the build was not carried out");
  }
  if (status?.cached) await say(" ---> Using cache\n");
  else if (isRunning && options.announceRemoval) await say(` ---> Removed intermediate container ${shortId(id)}\n`);
  return outcome.created;
}

/** A step that changes no file. Nothing runs, but Docker's output says so. @returns when it was first made. */
async function tellMetadata(
  { parts, options, build, say }: Telling,
  { state, history }: CompiledStep,
  before: Told,
): Promise<string> {
  const createdBy = history.classicCreatedBy([]);
  const facts = JSON.stringify(["classic", before.imageId, createdBy, state.config, state.author, build.epochSeconds]);
  const key = createHash("sha256").update(facts).digest("hex");
  const known = options.noCache ? null : parts.cache.find(key);
  if (known) {
    await say(" ---> Using cache\n");
    return known.created;
  }
  const id = shortId(newId());
  await say(` ---> Running in ${id}\n`);
  if (options.announceRemoval) await say(` ---> Removed intermediate container ${id}\n`);
  const created = createdTime(build.epochSeconds);
  parts.cache.record([key], { outputs: [], created, copied: [] }, { description: createdBy, sizeBytes: 0 });
  return created;
}

async function finish({ parts, options, build, say }: Telling, built: Digest, channel: ProgressChannel): Promise<void> {
  let imageId = built;
  if (options.squash) {
    const image = parts.images.get(built) ?? fail("internal", "IMAGE_LOST", "the image was removed while it was built");
    imageId = await squashedImage(parts, image, build.compiled.target.start.base);
    await channel.push({ aux: { ID: imageId } });
  }
  const { unusedArgs } = build.compiled;
  if (unusedArgs.length) await say(`[Warning] One or more build-args [${unusedArgs.join(" ")}] were not consumed\n`);
  await say(`Successfully built ${shortImageId(imageId)}\n`);
  for (const tag of options.tags) {
    parts.tag(imageId, tag);
    await say(`Successfully tagged ${familiarName(tag)}\n`);
  }
}

/** 12 digits; nothing for a stage from scratch that has done nothing yet. */
function shortImageId(id: Digest | null): string {
  return id === null ? "" : shortId(hexOf(id));
}
