import type { BuildRun } from "./build-run.ts";
import { cacheKey } from "./cache.ts";
import { changeConfig, type MetadataInstruction, shellOf } from "./change-config.ts";
import { commitMetadata, nopCommand, withConfig } from "./commit-step.ts";
import { copyInstruction } from "./copy-step.ts";
import { expandInstruction } from "./dockerfile/expand-instruction.ts";
import type { Instruction, InstructionOf } from "./dockerfile/instruction.ts";
import { runInstruction } from "./run-step.ts";
import type { StageState } from "./stage-state.ts";
import { workdirInstruction } from "./workdir-step.ts";

/** Carries out one instruction of a stage. The state it returns is of an image that exists. */
export async function runInstructionOf(build: BuildRun, state: StageState, written: Instruction): Promise<StageState> {
  const instruction = expandInstruction(written, build.args.stageLookup(state.config.Env ?? []), build.escapeChar);
  switch (instruction.kind) {
    case "RUN":
      return runInstruction(build, state, instruction);
    case "COPY":
    case "ADD":
      return copyInstruction(build, state, instruction);
    case "WORKDIR":
      return workdirInstruction(build, state, instruction);
    case "ARG":
      return argInstruction(build, state, instruction);
    case "MAINTAINER":
      return commitNop(build, { ...state, author: instruction.name }, `MAINTAINER ${instruction.name}`);
    case "CMD":
    case "ENTRYPOINT":
    case "ENV":
    case "EXPOSE":
    case "HEALTHCHECK":
    case "LABEL":
    case "ONBUILD":
    case "SHELL":
    case "STOPSIGNAL":
    case "USER":
    case "VOLUME":
      return metadataInstruction(build, state, instruction);
    default:
      return instruction satisfies never;
  }
}

function argInstruction(build: BuildRun, state: StageState, { args }: InstructionOf<"ARG">): Promise<StageState> {
  for (const { name, value } of args) build.args.declare(name, value);
  const shown = args.map(({ name, value }) => (value === null ? name : `${name}=${value}`));
  return commitNop(build, state, `ARG ${shown.join(" ")}`);
}

async function metadataInstruction(
  build: BuildRun,
  state: StageState,
  instruction: MetadataInstruction,
): Promise<StageState> {
  const { patch, comment } = changeConfig(state.config, instruction, state.commandIsSet);
  if (instruction.kind === "HEALTHCHECK") {
    const [first, ...rest] = state.config.Healthcheck?.Test ?? [];
    if (first !== undefined && first !== "NONE") {
      await build.say(`Note: overriding previous HEALTHCHECK: [${[first, ...rest].join(" ")}]\n`);
    }
  }
  const next = withConfig(state, patch);
  return commitNop(build, { ...next, commandIsSet: state.commandIsSet || instruction.kind === "CMD" }, comment);
}

function commitNop(build: BuildRun, state: StageState, comment: string): Promise<StageState> {
  const createdBy = nopCommand(shellOf(state.config), comment);
  return commitMetadata(build, state, cacheKey(state.imageId, [createdBy, state.config, state.author]), createdBy);
}
