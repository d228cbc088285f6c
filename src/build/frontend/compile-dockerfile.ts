import { fail, LighterError } from "../../base/errors.ts";
import { expandWord } from "../dockerfile/expand.ts";
import type { Instruction, InstructionOf, Stage } from "../dockerfile/instruction.ts";
import { type Dockerfile, findStage, parseFragment } from "../dockerfile/parse-dockerfile.ts";
import { type DockerfileSource, located, locatedAsync } from "../dockerfile/source-excerpt.ts";
import type { DockerfileRequest } from "../dockerfile-request.ts";
import type { Edge } from "../graph/operation.ts";
import { platformOf } from "../platform.ts";
import { BuildArgs } from "./build-args.ts";
import type { Compilation, CompiledStage, CompiledStep } from "./compilation.ts";
import { compileInstruction } from "./compile-instruction.ts";
import type { FoundRoot } from "./external-roots.ts";
import { stagesInOrder } from "./stage-order.ts";
import { type StageState, scratchState, stateOfImage, stateOfStage } from "./stage-state.ts";

export interface CompiledDockerfile {
  readonly globalArgs: readonly InstructionOf<"ARG">[];
  /** Those that the target needs, each before those that use it; the target is the last. */
  readonly stages: readonly CompiledStage[];
  readonly target: CompiledStage;
  /** `--build-arg`s that nothing asked for. */
  readonly unusedArgs: readonly string[];
}

/** Where what is no stage comes from. */
export interface Outside {
  readonly context: () => Edge;
  /** A named context or an image, for FROM or `--from`. */
  readonly find: (name: string, platform: string) => Promise<FoundRoot>;
  /** A named context stands in for a stage of the same name. */
  readonly overrides: (name: string) => boolean;
}

/**
 * Turns a parsed Dockerfile into a graph, and into what the image will say of itself. Base images are looked up, for their
 * configuration decides what instructions mean; nothing is carried out.
 */
export async function compileDockerfile(
  dockerfile: Dockerfile,
  source: DockerfileSource,
  request: DockerfileRequest,
  outside: Outside,
): Promise<CompiledDockerfile> {
  const { escape: escapeChar } = dockerfile.directives;
  const args = new BuildArgs(request.buildArgs, platformOf(request.platform), request.target);
  for (const instruction of dockerfile.globalArgs) {
    located(source, instruction, () => {
      for (const { name, value } of instruction.args) {
        args.declareGlobal(name, value === null ? null : expandWord(value, args.globalLookup, escapeChar));
      }
    });
  }
  const expand = (word: string) => expandWord(word, args.globalLookup, escapeChar);
  const target = targetOf(dockerfile, request.target);
  refuseDuplicates(dockerfile.stages, source);
  const done = new Map<Stage, CompiledStage>();
  const stageOf = (name: string): CompiledStage | null => {
    if (outside.overrides(name)) return null;
    const at = findStage(dockerfile.stages, name);
    const stage = at === null ? undefined : dockerfile.stages[at];
    return (stage && done.get(stage)) ?? null;
  };
  const compilation: Compilation = {
    request,
    args,
    escapeChar,
    fileName: source.name,
    context: outside.context,
    rootOf: async (name) => {
      const stage = stageOf(name);
      if (stage) return stage.end.root;
      if (/^\d{1,4}$/.test(name) && !outside.overrides(name)) {
        fail("invalid", "NO_SUCH_STAGE", `invalid from flag value ${name}: no such build stage`);
      }
      return (await prefixed(`invalid from flag value ${name}: `, () => outside.find(name, request.platform))).root;
    },
  };

  const stages: CompiledStage[] = [];
  for (const stage of stagesInOrder(dockerfile.stages, target, expand, outside.overrides)) {
    const base = located(source, stage.from, () => baseOf(stage, expand));
    const from = stageOf(base);
    const start = await locatedAsync(source, stage.from, () => startOf(stage, base, from, request, expand, outside));
    args.beginStage();
    const isTarget = stage === dockerfile.stages[target];
    const compiled = await compileStage(compilation, source, dockerfile, { stage, from, start, isTarget });
    done.set(stage, compiled);
    stages.push(compiled);
  }
  const last = stages.at(-1) ?? fail("invalid", "NO_IMAGE", "No image was generated. Is your Dockerfile empty?");
  return { globalArgs: dockerfile.globalArgs, stages, target: last, unusedArgs: args.unused() };
}

/** The number of the stage to end with. @throws invalid for one that is not there. */
export function targetOf({ stages }: Dockerfile, target: string): number {
  const number = target === "" ? stages.length - 1 : findStage(stages, target);
  return number ?? fail("invalid", "NO_SUCH_STAGE", `target stage ${JSON.stringify(target)} could not be found`);
}

function refuseDuplicates(stages: readonly Stage[], source: DockerfileSource): void {
  const names = new Set<string>();
  for (const { from } of stages) {
    const { stageName } = from;
    if (stageName === null) continue;
    if (names.has(stageName)) {
      located(source, from, () => fail("invalid", "STAGE_NAME_TAKEN", `${stageName} stage name already used`));
    }
    names.add(stageName);
  }
}

async function prefixed<T>(words: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof LighterError) || error.kind === "cancelled") throw error;
    return fail(error.kind, error.code, words + error.message, { cause: error });
  }
}

function baseOf({ from }: Stage, expand: (word: string) => string): string {
  return expand(from.base) || fail("invalid", "BLANK_BASE", `base name (${from.base}) should not be blank`);
}

async function startOf(
  { from }: Stage,
  base: string,
  earlier: CompiledStage | null,
  request: DockerfileRequest,
  expand: (word: string) => string,
  outside: Outside,
): Promise<StageState> {
  const platform = from.platform === null ? request.platform : expand(from.platform);
  if (earlier) return { ...stateOfStage(earlier.end), platform };
  if (base.toLowerCase() === "scratch" && !outside.overrides(base)) return scratchState(platform);
  const { root, image } = await outside.find(base, platform);
  return image === null ? { ...scratchState(platform), root } : stateOfImage(image, root, platform);
}

async function compileStage(
  compilation: Compilation,
  source: DockerfileSource,
  { stages }: Dockerfile,
  { stage, from, start, isTarget }: Pick<CompiledStage, "stage" | "from" | "start"> & { readonly isTarget: boolean },
): Promise<CompiledStage> {
  const { noCache, labels, isClassic = false } = compilation.request;
  const number = stages.indexOf(stage);
  const name = stage.from.stageName ?? (stages.length > 1 ? `stage-${number}` : "");
  const ignoreCache = noCache === "all" || noCache.includes(name) || noCache.includes(String(number));
  const triggers = triggersOf(compilation, stage, start);
  const labelling = isTarget && isClassic ? labelInstructions(labels) : [];
  const instructions = [...triggers, ...stage.instructions, ...labelling];
  const total = instructions.filter(({ kind }) => ["RUN", "COPY", "ADD", "WORKDIR"].includes(kind)).length + 1;
  const steps: CompiledStep[] = [];
  let state = start;
  let step = 1;
  for (const instruction of instructions) {
    const compiled = await locatedAsync(source, instruction, () =>
      compileInstruction(compilation, { stage, name, step: step + 1, total, ignoreCache }, state, instruction),
    );
    if (compiled.history.vertex) step++;
    state = compiled.state;
    steps.push(compiled);
  }
  const end = isTarget && !isClassic ? withLabels(state, labels) : state;
  return { stage, from, start, triggers: triggers.length, steps, end };
}

/** BuildKit only sets `--label`s; the classic builder has a step for each. */
function withLabels(state: StageState, labels: Readonly<Record<string, string>>): StageState {
  if (Object.keys(labels).length === 0) return state;
  return { ...state, config: { ...state.config, Labels: { ...state.config.Labels, ...labels } } };
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

/** ONBUILD of the base, and of an earlier stage that this one begins with. */
function triggersOf({ escapeChar }: Compilation, { from }: Stage, start: StageState) {
  return start.triggers.flatMap((trigger) => parseFragment(trigger, `ONBUILD of ${from.base}`, escapeChar));
}
