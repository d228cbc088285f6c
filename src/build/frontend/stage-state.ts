import type { ImageConfig, ImageRunConfig } from "../../image/config.ts";
import type { Digest } from "../../image/digest.ts";
import type { Image } from "../../image/image-store.ts";
import type { Edge, Vertex } from "../graph/operation.ts";
import { variableName } from "./change-config.ts";

/** Where a stage stands after an instruction. A new value for each. */
export interface StageState {
  /** The root file system; null is an empty one. */
  readonly root: Edge | null;
  /** The whole document of the image that the stage began with; null for `FROM scratch`. */
  readonly base: ImageConfig | null;
  /** Its id, as far as it has one here. */
  readonly baseId: Digest | null;
  /** What its containers get. */
  readonly config: ImageRunConfig;
  /** A CMD stood in this stage. */
  readonly commandIsSet: boolean;
  /** MAINTAINER's. */
  readonly author: string;
  /** What came after the base, in order. */
  readonly steps: readonly HistoryStep[];
  readonly platform: string;
  /** ONBUILD of what the stage began with, to be carried out before its own instructions. */
  readonly triggers: readonly string[];
}

/** One line of the image's history that is to be. */
export interface HistoryStep {
  /** As BuildKit writes it. */
  readonly createdBy: string;
  /** As the classic builder writes it, given the digests of what was copied. */
  readonly classicCreatedBy: (copied: readonly string[]) => string;
  /** What makes the step's root; null for one that changes no file. */
  readonly vertex: Vertex | null;
}

export type BaseImage = Pick<Image, "id" | "config">;

/** Programs are found although an image says nothing of it. */
const DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export function scratchState(platform: string): StageState {
  const config = { Env: [DEFAULT_PATH] };
  return {
    root: null,
    base: null,
    baseId: null,
    config,
    commandIsSet: false,
    author: "",
    steps: [],
    platform,
    triggers: [],
  };
}

/** The state at the beginning of a stage. */
export function stateOfImage(image: BaseImage, root: Edge | null, platform: string): StageState {
  const config = image.config.config ?? {};
  const environment = config.Env ?? [];
  const hasPath = environment.some((entry) => variableName(entry) === "PATH");
  return {
    root,
    base: image.config,
    baseId: image.id,
    config: { ...config, OnBuild: null, Env: hasPath ? environment : [...environment, DEFAULT_PATH] },
    commandIsSet: false,
    author: image.config.author ?? "",
    steps: [],
    platform,
    triggers: config.OnBuild ?? [],
  };
}

/** A stage that begins where another ended: its history is this one's too. */
export function stateOfStage(stage: StageState): StageState {
  const triggers = stage.config.OnBuild ?? [];
  return { ...stage, config: { ...stage.config, OnBuild: null }, commandIsSet: false, triggers };
}

export function withStep(state: StageState, step: HistoryStep): StageState {
  return {
    ...state,
    root: step.vertex === null ? state.root : { vertex: step.vertex, output: 0 },
    steps: [...state.steps, step],
  };
}
