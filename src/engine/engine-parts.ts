import type { KeyedLock } from "../base/keyed-lock.ts";
import type { Log } from "../base/log.ts";
import type { Paths } from "../base/paths.ts";
import type { ContentStore } from "../image/content-store.ts";
import type { ImageStore } from "../image/image-store.ts";
import type { LayerStore } from "../image/layer-store.ts";
import type { Networks } from "../network/networks.ts";
import type { Berths } from "../runtime/berths.ts";
import type { CgroupLayout } from "../runtime/cgroup.ts";
import type { Host } from "../runtime/host.ts";
import type { ResourceSupport } from "../runtime/resource-support.ts";
import type { SeccompCompiler } from "../runtime/seccomp-compile.ts";
import type { Shim } from "../runtime/shim.ts";
import type { MountPointLayers } from "../snapshot/mount-point-layer.ts";
import type { Snapshotter } from "../snapshot/snapshotter.ts";
import type { Trash } from "../snapshot/trash.ts";
import type { Store } from "../store/database.ts";
import type { Volumes } from "../volume/volumes.ts";
import type { PendingAttaches } from "./attach-container.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { ContainerStore } from "./container-store.ts";
import type { EventLog } from "./events.ts";
import type { ExecRegistry } from "./execs.ts";
import type { ExitWaiters } from "./exit-waiters.ts";
import type { RestartTimers } from "./restart-policy.ts";
import type { HealthWatches } from "./watch-health.ts";

/** What the engine is made of: handed to each of its functions, made once by `Engine.open`. */
export interface EngineParts {
  readonly paths: Paths;
  readonly log: Log;
  readonly store: Store;
  readonly trash: Trash;
  readonly content: ContentStore;
  readonly layers: LayerStore;
  readonly images: ImageStore;
  readonly snapshotter: Snapshotter;
  readonly networks: Networks;
  readonly volumes: Volumes;
  readonly events: EventLog;
  readonly host: Host;
  readonly cgroups: CgroupLayout;
  readonly support: ResourceSupport;
  readonly seccomp: SeccompCompiler;
  readonly mountPoints: MountPointLayers;
  readonly berths: Berths;
  readonly containers: ContainerStore;
  readonly execs: ExecRegistry;
  readonly waiters: ExitWaiters;
  readonly pendingAttaches: PendingAttaches;
  readonly restarts: RestartTimers;
  readonly health: HealthWatches;
  /** Serialises what changes one container: start, remove, rename, commit, update. Never held while waiting for an exit's own work. */
  readonly locks: KeyedLock;
  /** What a container's policy asks for after its end, or after a start that failed (exit-policy.ts). */
  readonly afterExit: (record: ContainerRecord, ranForMs: number) => void;
  /**
   * Shims that are taking away what an ended container had, by container id. Its cgroups have the container's name: one that
   * starts again must not get them before its last shim has killed all that is left in them.
   */
  readonly leaving: Map<string, Promise<void>>;
  /** The shims of running containers by container id. */
  readonly live: Map<string, Shim>;
}
