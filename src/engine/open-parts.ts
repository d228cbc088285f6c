import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { KeyedLock } from "../base/keyed-lock.ts";
import type { Log } from "../base/log.ts";
import { nativePath, setNativeDirectory } from "../base/native.ts";
import type { Paths } from "../base/paths.ts";
import { ContentStore } from "../image/content-store.ts";
import { ImageStore } from "../image/image-store.ts";
import { LayerStore } from "../image/layer-store.ts";
import { Networks } from "../network/networks.ts";
import { Berths } from "../runtime/berths.ts";
import { readCgroupLayout } from "../runtime/cgroup.ts";
import { readHost } from "../runtime/host.ts";
import { readResourceSupport } from "../runtime/resource-support.ts";
import { SeccompCompiler } from "../runtime/seccomp-compile.ts";
import { usage } from "../snapshot/archive.ts";
import { MountPointLayers } from "../snapshot/mount-point-layer.ts";
import { Snapshotter } from "../snapshot/snapshotter.ts";
import { Trash } from "../snapshot/trash.ts";
import { Store } from "../store/database.ts";
import { Volumes } from "../volume/volumes.ts";
import { PendingAttaches } from "./attach-container.ts";
import { ContainerStore } from "./container-store.ts";
import type { EngineParts } from "./engine-parts.ts";
import { EventLog } from "./events.ts";
import { ExecRegistry } from "./execs.ts";
import { applyExitPolicy } from "./exit-policy.ts";
import { ExitWaiters } from "./exit-waiters.ts";
import { RestartTimers } from "./restart-policy.ts";
import { HealthWatches } from "./watch-health.ts";

/** Opens all that an engine owns under its directories. Only one process may hold a root at a time (store/engine-lock.ts). */
export function openParts(paths: Paths, log: Log): EngineParts {
  mkdirSync(paths.root, { recursive: true, mode: 0o711 });
  for (const name of ["containers", "tmp"]) mkdirSync(join(paths.root, name), { recursive: true, mode: 0o710 });
  mkdirSync(join(paths.run, "shims"), { recursive: true, mode: 0o700 });
  setNativeDirectory(join(paths.run, "bin"));
  const store = Store.open(join(paths.root, "lighter.db"));
  const trash = Trash.open(join(paths.root, "trash"), log);
  const snapshotter = Snapshotter.open(store, join(paths.root, "snapshots"), trash);
  const content = ContentStore.open(join(paths.root, "content"));
  const layers = new LayerStore(store, content, snapshotter);
  const host = readHost();
  const cgroups = readCgroupLayout();
  const parts: EngineParts = {
    paths,
    log,
    store,
    trash,
    content,
    layers,
    images: new ImageStore(store, content, layers),
    snapshotter,
    networks: new Networks(store, paths.run, log),
    volumes: Volumes.open(store, join(paths.root, "volumes"), { discard: (path) => trash.discard(path), usage }),
    events: new EventLog(store),
    host,
    cgroups,
    support: readResourceSupport(cgroups),
    seccomp: new SeccompCompiler(nativePath("lighter-seccomp"), join(paths.root, "cache", "seccomp"), host),
    mountPoints: new MountPointLayers(store, snapshotter),
    berths: new Berths(paths.run, log),
    containers: new ContainerStore(store),
    execs: new ExecRegistry(),
    waiters: new ExitWaiters(),
    pendingAttaches: new PendingAttaches(),
    restarts: new RestartTimers(),
    health: new HealthWatches(),
    locks: new KeyedLock(),
    leaving: new Map(),
    live: new Map(),
    afterExit: (record, ranForMs) => applyExitPolicy(parts, record, ranForMs),
  };
  return parts;
}
