import type { BuildStep } from "../engine/run-build-step.ts";
import type { Digest } from "../image/digest.ts";
import type { ImageStore } from "../image/image-store.ts";
import type { LayerStore } from "../image/layer-store.ts";
import type { Reference } from "../image/reference.ts";
import type { Snapshotter } from "../snapshot/snapshotter.ts";
import type { Store } from "../store/database.ts";

/** What the builder needs of the engine it belongs to. */
export interface BuildParts {
  readonly store: Store;
  readonly images: ImageStore;
  readonly layers: LayerStore;
  readonly snapshotter: Snapshotter;
  /** A directory for contexts being built from; what a killed engine leaves in it may be deleted at start-up. */
  readonly temporary: string;
  /** Runs a process on an active snapshot; afterwards that holds what the process wrote, and nothing else. */
  readonly runStep: (step: BuildStep) => Promise<{ readonly exitCode: number }>;
  /** Gives an image a name, with the event that goes with it. */
  readonly tag: (imageId: Digest, reference: Reference) => void;
}
