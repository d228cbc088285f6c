import type { Id } from "../base/ids.ts";
import type { ChainId, Digest } from "../image/digest.ts";
import type { MountPoint } from "../volume/mount-point.ts";
import type { ContainerConfig, EndpointSettings, HostConfig } from "./container-config.ts";
import type { Health } from "./health.ts";

/**
 * Where a container is in its life. The union is what is stored: what only matters while the engine runs (the shim's
 * connection, who waits) lives in `LiveContainer`.
 */
export type ContainerState =
  | { readonly status: "created"; readonly error: string; readonly exitCode: number }
  | {
      readonly status: "running";
      readonly pid: number;
      readonly paused: boolean;
      readonly startedAt: string;
      /** Path of the cgroup below each hierarchy's mount, as the shim chose it. */
      readonly cgroupPath: string;
      /** Names the shim's socket, through which a later engine finds it again. */
      readonly shim: string;
    }
  | {
      readonly status: "exited";
      readonly exitCode: number;
      readonly oomKilled: boolean;
      readonly error: string;
      readonly startedAt: string;
      readonly finishedAt: string;
      /** The restart policy will start it again; Docker's clients see `restarting`. */
      readonly restarting: boolean;
    };

export type RunningState = Extract<ContainerState, { status: "running" }>;

/** One container as the store keeps it. */
export interface ContainerRecord {
  readonly id: Id;
  /** Without the leading slash that the API shows. */
  readonly name: string;
  readonly created: string;
  /** Image id; empty for a container that was made from none. */
  readonly imageId: string;
  /** The image's top layer, kept so that the container still starts when its image was untagged. */
  readonly chainId: ChainId | null;
  /** The image of `chainId` where that is not `imageId`'s: the container was rolled back, and stands on this one. */
  readonly rootImageId?: Digest;
  /** Its last commit since it was created or rolled back: the next one is a layer on top of it. */
  readonly commitId?: Digest;
  /** Merged with the image's configuration, as `inspect` shows it. */
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  /** Networks asked for, by name, with what was asked of each; allocated addresses are the network's records. */
  readonly networks: Readonly<Record<string, EndpointSettings>>;
  readonly mounts: readonly MountPoint[];
  /** The active snapshot's key: the container's own writable layer. */
  readonly snapshot: number;
  readonly platform: string;
  readonly restartCount: number;
  /** `stop` was the last word of a user: "unless-stopped" keeps it so over an engine's restart. */
  readonly stoppedByUser: boolean;
  readonly state: ContainerState;
  /** null without a health check, and before the first start. */
  readonly health: Health | null;
}

/** Docker's one-word status. */
export function statusOf(state: ContainerState): "created" | "running" | "paused" | "restarting" | "exited" {
  switch (state.status) {
    case "created":
      return "created";
    case "running":
      return state.paused ? "paused" : "running";
    case "exited":
      return state.restarting ? "restarting" : "exited";
    default:
      return state satisfies never;
  }
}

/** Whether the container has ended and its policy is about to start it again. Docker counts it among those that run. */
export function isRestarting(state: ContainerState): boolean {
  return state.status === "exited" && state.restarting;
}

/** The program and its arguments: the entrypoint's words, then the command's. */
export function commandLine(config: ContainerConfig): string[] {
  return [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
}
