import type { BuildArgs } from "./build-args.ts";
import type { BuildOptions } from "./build-options.ts";
import type { BuildParts } from "./build-parts.ts";
import type { BuildCache } from "./cache.ts";
import type { BuildContext } from "./context/build-context.ts";
import type { EscapeCharacter } from "./dockerfile/words.ts";
import type { StageState } from "./stage-state.ts";

/** One build under way: what each of its steps works with. */
export interface BuildRun {
  readonly parts: BuildParts;
  readonly options: BuildOptions;
  readonly cache: BuildCache;
  readonly args: BuildArgs;
  readonly context: BuildContext;
  readonly escapeChar: EscapeCharacter;
  /** This build's own directory, removed with it. */
  readonly directory: string;
  /** Stages that are done, in order, for `FROM` and `COPY --from`. */
  readonly finished: { readonly name: string | null; readonly state: StageState }[];
  readonly say: (text: string) => Promise<void>;
  readonly signal: AbortSignal;
}
