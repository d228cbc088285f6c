import { rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { KeyedLock } from "../base/keyed-lock.ts";
import type { BuildStep } from "../engine/run-build-step.ts";
import type { ContentStore } from "../image/content-store.ts";
import type { Digest } from "../image/digest.ts";
import type { ImageStore } from "../image/image-store.ts";
import type { LayerStore } from "../image/layer-store.ts";
import type { Reference } from "../image/reference.ts";
import type { Snapshotter } from "../snapshot/snapshotter.ts";
import type { Store } from "../store/database.ts";
import { BuildCache } from "./graph/build-cache.ts";
import { CacheMounts } from "./graph/cache-mounts.ts";
import { Slots } from "./graph/slots.ts";
import type { RegistryLogin, ReportCounter } from "./graph/solver.ts";

/** What the builder needs of the engine it belongs to. */
export interface EngineOfBuilder {
  readonly store: Store;
  readonly content: ContentStore;
  readonly images: ImageStore;
  readonly layers: LayerStore;
  readonly snapshotter: Snapshotter;
  /** Directory of all that the engine keeps. Its `tmp` is emptied at start-up. */
  readonly root: string;
  /** A directory in memory, for secrets. */
  readonly run: string;
  /** Removes a directory in the background. */
  readonly discard: (path: string) => void;
  /** Runs a process on an active snapshot; afterwards that holds what the process wrote, and nothing else. */
  readonly runStep: (step: BuildStep) => Promise<{ readonly exitCode: number }>;
  /** Gives an image a name, with the event that goes with it. */
  readonly tag: (imageId: Digest, reference: Reference) => void;
  /** Fetches an image from its registry. @throws not-found and what registries say; invalid for a platform it does not have. */
  readonly pull: (
    reference: Reference,
    platform: string,
    options: { readonly login: RegistryLogin | null; readonly report: ReportCounter; readonly signal: AbortSignal },
  ) => Promise<void>;
}

/** The builder of an engine: made once, shared by all builds. */
export interface BuildParts extends EngineOfBuilder {
  readonly cache: BuildCache;
  readonly cacheMounts: CacheMounts;
  /** One at a time makes the same thing; the others find it in the cache. */
  readonly locks: KeyedLock;
  /** How many processes and copies run at once. */
  readonly slots: Slots;
  /** A directory for files of builds under way; what a killed engine leaves in it is deleted at start-up. */
  readonly temporary: string;
}

/** Once in an engine's life, before the first build. */
export function openBuilder(engine: EngineOfBuilder): BuildParts {
  rmSync(secretsDirectory(engine), { recursive: true, force: true });
  return {
    ...engine,
    cache: new BuildCache(engine.store, engine.layers),
    cacheMounts: new CacheMounts(engine.store, join(engine.root, "build-cache"), engine.discard),
    locks: new KeyedLock(),
    slots: new Slots(Math.max(2, availableParallelism())),
    temporary: join(engine.root, "tmp"),
  };
}

/** Where secrets lie while a step has them mounted. */
export function secretsDirectory({ run }: Pick<EngineOfBuilder, "run">): string {
  return join(run, "build-secrets");
}
