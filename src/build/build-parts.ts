import type { Id } from "../base/ids.ts";
import type { Resources } from "../engine/container-config.ts";
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
  readonly runStep: (step: BuildStep) => Promise<StepExit>;
  /** Gives an image a name, with the event that goes with it. */
  readonly tag: (imageId: Digest, reference: Reference) => void;
}

/**
 * A process to run on an active snapshot, on behalf of RUN. The snapshot must afterwards hold what the process wrote and
 * nothing else: no mount points made for /proc, /etc/hosts and their like.
 */
export interface BuildStep {
  /** As a container's: shown to the user, and the hostname's source. */
  readonly id: Id;
  /** Snapshot keys, top first, below the one that takes the writes. */
  readonly lower: readonly number[];
  readonly snapshotKey: number;
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** Absolute; made if it is missing, as for a container. */
  readonly cwd: string;
  /** `user[:group]` as in USER; empty is root. */
  readonly user: string;
  /** As in HostConfig: `default`, `none`, `host`, `container:<id>` or a network. */
  readonly networkMode: string;
  readonly resources: Resources;
  /** 0 is the default. */
  readonly shmSizeBytes: number;
  /** `name:address`. */
  readonly extraHosts: readonly string[];
  readonly securityOptions: readonly string[];
  /** Resolves when more may come: whoever reads the process's output waits for it. */
  readonly onOutput: (stream: "stdout" | "stderr", bytes: Uint8Array) => Promise<void>;
  /** Ends the process at once; `runStep` returns or throws when nothing of it is left. */
  readonly abort: AbortSignal;
}

export interface StepExit {
  readonly exitCode: number;
}
