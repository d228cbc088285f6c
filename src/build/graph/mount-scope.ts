import type { Id } from "../../base/ids.ts";
import type { ChainId } from "../../image/digest.ts";
import type { WantedPoint } from "../../snapshot/mount-point-plan.ts";
import type { Job } from "./job.ts";
import type { ExecMount, ExecOperation } from "./operation.ts";

export type ExecJob = Job<ExecOperation>;

/** A snapshot that takes a process's writes. */
export interface ExecRoot {
  readonly key: number;
  /** What is below it. */
  readonly chainId: ChainId | null;
  readonly lower: readonly number[];
  /** It is a layer's now. */
  readonly take: () => void;
  readonly release: () => void;
}

/** What the mounts of one step are made with, and what is told of them. */
export interface MountScope {
  readonly job: ExecJob;
  readonly id: Id;
  /** On the disk, for this step alone. */
  readonly directory: string;
  /** In memory, for this step alone. */
  readonly secrets: string;
  readonly writable: Map<ExecMount, ExecRoot>;
  readonly env: string[];
  readonly points: WantedPoint[];
  readonly cleanup: AsyncDisposableStack;
}
