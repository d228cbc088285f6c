import type { Log } from "../base/log.ts";
import type { Paths } from "../base/paths.ts";
import type { ExecConfig } from "./container-config.ts";
import { Containers } from "./containers.ts";
import type { EngineParts } from "./engine-parts.ts";
import { createExec, type ExecStartOptions, inspectExec, resizeExec, startExec } from "./execs.ts";
import { ImageHistory } from "./image-history.ts";
import { Images } from "./images.ts";
import { NetworkCommands } from "./network-commands.ts";
import { openParts } from "./open-parts.ts";
import { reconcile } from "./reconcile.ts";
import { diskUsageDocument, infoDocument, versionDocument } from "./system.ts";
import { VolumeCommands } from "./volume-commands.ts";

/** The engine: all state and all that can be done with it, without a word about HTTP. */
export class Engine {
  readonly containers: Containers;
  readonly images: Images;
  readonly history: ImageHistory;
  readonly networks: NetworkCommands;
  readonly volumes: VolumeCommands;

  private constructor(
    /** What the engine is made of, for the builder and the templates, which work beside it. */
    readonly parts: EngineParts,
  ) {
    this.containers = new Containers(parts);
    this.images = new Images(parts);
    this.history = new ImageHistory(parts);
    this.networks = new NetworkCommands(parts);
    this.volumes = new VolumeCommands(parts);
  }

  /** Opens a root and makes it true again after whatever happened to the last engine. One engine a root: see engine-lock. */
  static async open(paths: Paths, options: { log: Log }): Promise<Engine> {
    const parts = openParts(paths, options.log);
    await reconcile(parts);
    parts.berths.fill();
    return new Engine(parts);
  }

  readonly execs = {
    create: (container: string, config: ExecConfig) => createExec(this.parts, container, config),
    start: (id: string, options: ExecStartOptions) => startExec(this.parts, id, options),
    inspect: (id: string) => inspectExec(this.parts, id),
    /** Resolves with the exit code. */
    ended: (id: string) => this.parts.execs.ended(id),
    resize: (id: string, rows: number, columns: number) => resizeExec(this.parts, id, rows, columns),
  };

  readonly system = {
    info: () => infoDocument(this.parts),
    version: () => versionDocument(),
    diskUsage: () => diskUsageDocument(this.parts),
  };

  get events() {
    return this.parts.events;
  }

  /** Lets go of everything; containers run on. */
  async close(): Promise<void> {
    const { parts } = this;
    parts.restarts.cancelAll();
    parts.health.endAll();
    await parts.berths.dispose();
    parts.events.flush();
    if (parts.live.size === 0) await parts.networks.teardown();
    for (const shim of parts.live.values()) shim.disconnect();
    // Before the connections' ends are heard: they are ours, and no container's.
    parts.live.clear();
    await parts.trash.settled();
    parts.snapshotter.sync[Symbol.dispose]();
    parts.store[Symbol.dispose]();
  }
}
