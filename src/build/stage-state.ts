import type { ImageConfig, ImageRunConfig } from "../image/config.ts";
import type { ChainId, Digest } from "../image/digest.ts";
import type { Image } from "../image/image-store.ts";
import { variableName } from "./change-config.ts";

/** Where a stage stands after an instruction. A new value for each: an instruction that fails changes nothing. */
export interface StageState {
  /** null: `FROM scratch`, and nothing done yet. */
  readonly imageId: Digest | null;
  readonly chainId: ChainId | null;
  /** The whole document of that image; null as above. */
  readonly imageConfig: ImageConfig | null;
  /** What its containers get. */
  readonly config: ImageRunConfig;
  /** A CMD stood in this stage. */
  readonly commandIsSet: boolean;
  /** MAINTAINER's. */
  readonly author: string;
}

/** Programs are found although an image says nothing of it. */
const DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export function scratchState(): StageState {
  const config = { Env: [DEFAULT_PATH] };
  return { imageId: null, chainId: null, imageConfig: null, config, commandIsSet: false, author: "" };
}

/** The state at the beginning of a stage. The base's ONBUILD triggers are for the caller, and not inherited. */
export function stateOf(image: Image): StageState {
  const config = image.config.config ?? {};
  const environment = config.Env ?? [];
  const hasPath = environment.some((entry) => variableName(entry) === "PATH");
  return {
    imageId: image.id,
    chainId: image.chainId,
    imageConfig: image.config,
    config: { ...config, OnBuild: null, Env: hasPath ? environment : [...environment, DEFAULT_PATH] },
    commandIsSet: false,
    author: image.config.author ?? "",
  };
}

/** The state after a step that made, or found in the cache, this image. */
export function advanced(state: StageState, image: Image): StageState {
  return { ...state, imageId: image.id, chainId: image.chainId, imageConfig: image.config };
}
