import { expandInstruction } from "../dockerfile/expand-instruction.ts";
import type { Instruction, InstructionOf } from "../dockerfile/instruction.ts";
import { vertexOf } from "../graph/vertex.ts";
import { changeConfig, type MetadataInstruction, shellOf } from "./change-config.ts";
import { type Compilation, type CompiledStep, describe, oneLine, type StagePlace } from "./compilation.ts";
import { compileCopy } from "./compile-copy.ts";
import { compileRun } from "./compile-run.ts";
import { type HistoryStep, type StageState, withStep } from "./stage-state.ts";

/** What one instruction makes of a stage. Nothing is carried out. @throws invalid for what can be told from its text. */
export async function compileInstruction(
  compilation: Compilation,
  place: StagePlace,
  state: StageState,
  written: Instruction,
): Promise<CompiledStep> {
  const lookup = compilation.args.stageLookup(state.config.Env ?? []);
  const instruction = expandInstruction(written, lookup, compilation.escapeChar);
  const after = (history: HistoryStep, changed: StageState = state): CompiledStep => ({
    instruction,
    before: state,
    state: withStep(changed, history),
    history,
  });
  switch (instruction.kind) {
    case "RUN":
      return after(await compileRun(compilation, place, state, instruction));
    case "COPY":
    case "ADD":
      return after(await compileCopy(compilation, place, state, instruction));
    case "WORKDIR":
      return compileWorkdir(compilation, place, state, instruction);
    case "ARG": {
      for (const { name, value } of instruction.args) compilation.args.declare(name, value);
      const shown = instruction.args.map(({ name, value }) => (value === null ? name : `${name}=${value}`));
      return after(metadataStep(state, `ARG ${shown.join(" ")}`));
    }
    case "MAINTAINER":
      return after(metadataStep(state, `MAINTAINER ${instruction.name}`), { ...state, author: instruction.name });
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
      return compileMetadata(state, instruction);
    default:
      return instruction satisfies never;
  }
}

function metadataStep(state: StageState, comment: string): HistoryStep {
  return {
    createdBy: comment,
    classicCreatedBy: () => [...shellOf(state.config), "#(nop) ", comment].join(" "),
    vertex: null,
  };
}

function compileMetadata(state: StageState, instruction: MetadataInstruction & Instruction): CompiledStep {
  const { patch, comment } = changeConfig(state.config, instruction, state.commandIsSet);
  const changed: StageState = {
    ...state,
    config: { ...state.config, ...patch },
    commandIsSet: state.commandIsSet || instruction.kind === "CMD",
  };
  // The shell of a SHELL's own line is the new one, as in Docker.
  const history = metadataStep(instruction.kind === "SHELL" ? changed : state, comment);
  return { instruction, before: state, state: withStep(changed, history), history };
}

/** WORKDIR: the directory is made now, so that it is part of the image and not of each container. It is the user's. */
function compileWorkdir(
  compilation: Compilation,
  place: StagePlace,
  state: StageState,
  instruction: InstructionOf<"WORKDIR">,
): CompiledStep {
  const { patch, comment } = changeConfig(state.config, instruction, state.commandIsSet);
  const changed = { ...state, config: { ...state.config, ...patch } };
  const path = patch.WorkingDir ?? "/";
  const change = { type: "mkdir", path, mode: 0o755, makeParents: true, owner: state.config.User || null } as const;
  const vertex =
    path === "/"
      ? null
      : vertexOf(
          { kind: "file", actions: [{ input: state.root === null ? -1 : 0, secondaryInput: -1, output: 0, change }] },
          state.root === null ? [] : [state.root],
          describe(compilation, place, instruction, oneLine(instruction.code)),
        );
  const history: HistoryStep = {
    createdBy: comment,
    // Docker writes this line, unlike those of its other metadata, with one blank.
    classicCreatedBy: () => [...shellOf(state.config), `#(nop) ${comment}`].join(" "),
    vertex,
  };
  return { instruction, before: state, state: withStep(changed, history), history };
}
