import type { Instruction, Stage } from "../dockerfile/instruction.ts";
import type { EscapeCharacter } from "../dockerfile/words.ts";
import type { DockerfileRequest } from "../dockerfile-request.ts";
import type { Edge } from "../graph/operation.ts";
import type { BuildArgs } from "./build-args.ts";
import type { HistoryStep, StageState } from "./stage-state.ts";

/** A Dockerfile being turned into a graph: what each of its instructions is compiled with. */
export interface Compilation {
  readonly request: DockerfileRequest;
  readonly args: BuildArgs;
  readonly escapeChar: EscapeCharacter;
  readonly fileName: string;
  /** The main build context; made when first asked for, for a build that copies nothing needs none. */
  readonly context: () => Edge;
  /** What `--from` names: a stage, a named context or an image. @throws not-found; invalid. */
  readonly rootOf: (name: string) => Promise<Edge | null>;
}

/** The stage whose instruction is compiled, for names in progress. */
export interface StagePlace {
  readonly stage: Stage;
  /** `build`, or `stage-1`; empty where there is only one. */
  readonly name: string;
  /** Of those that show in progress. */
  readonly step: number;
  readonly total: number;
  readonly ignoreCache: boolean;
}

export interface CompiledStep {
  /** Its variables expanded. */
  readonly instruction: Instruction;
  readonly before: StageState;
  /** After it. */
  readonly state: StageState;
  readonly history: HistoryStep;
}

export interface CompiledStage {
  readonly stage: Stage;
  /** The stage that it begins with. */
  readonly from: CompiledStage | null;
  /** After FROM and before the first instruction; ONBUILD triggers come first among the steps. */
  readonly start: StageState;
  readonly triggers: number;
  readonly steps: readonly CompiledStep[];
  readonly end: StageState;
}

export function describe(compilation: Compilation, place: StagePlace, instruction: Instruction, text: string) {
  const stage = place.name === "" ? "" : `${place.name} `;
  const total = String(place.total);
  return {
    name: `[${stage}${String(place.step).padStart(total.length)}/${total}] ${text}`,
    ignoreCache: place.ignoreCache,
    place: { file: compilation.fileName, firstLine: instruction.firstLine, lastLine: instruction.lastLine },
  };
}

/** An instruction as progress shows it. */
export function oneLine(code: string): string {
  return code.replace(/\s+/g, " ");
}
