import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { createDemultiplexer } from "../base/demultiplex.ts";
import { fail } from "../base/errors.ts";
import { type Id, shortId } from "../base/ids.ts";
import { timestampNow } from "../base/timestamp.ts";
import type { ContainerMount } from "../runtime/mounts.ts";
import { makeMountPoints } from "../snapshot/mount-point-layer.ts";
import { planMountPoints, type WantedPoint } from "../snapshot/mount-point-plan.ts";
import { ContainerConfigSchema, EndpointSettingsSchema, HostConfigSchema, type Resources } from "./container-config.ts";
import type { ContainerRecord } from "./container-record.ts";
import { endShim } from "./end-shim.ts";
import type { EngineParts } from "./engine-parts.ts";
import { joinNetworks } from "./join-networks.ts";
import { startRequest } from "./start-request.ts";

/** A process to run on an active snapshot, on behalf of a Dockerfile's RUN. */
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
  /** Empty: made of the id. */
  readonly hostname: string;
  /** Everything that the host's root may do: RUN --security=insecure. */
  readonly privileged: boolean;
  readonly readonlyRoot: boolean;
  /** Beside those that every container has. */
  readonly mounts: readonly ContainerMount[];
  /** What they are mounted upon. Where it is missing it is made, and not left behind in the snapshot. */
  readonly mountPoints: readonly WantedPoint[];
  /** Resolves when more may come: whoever reads the process's output waits for it. */
  readonly onOutput: (stream: "stdout" | "stderr", bytes: Uint8Array) => Promise<void>;
  /** Ends the process at once; the promise settles when nothing of it is left. */
  readonly abort: AbortSignal;
}

const SIGKILL = 9;

/**
 * Runs a step as a container without a record: the same request to the same shim, output to the caller, nothing kept.
 * Afterwards the snapshot holds what the process wrote and nothing else.
 * @throws cancelled after an abort; what the shim reports where the process cannot be started.
 */
export async function runBuildStep(parts: EngineParts, step: BuildStep): Promise<{ exitCode: number }> {
  const record = recordOf(step);
  const directory = join(parts.paths.root, "tmp", step.id);
  await mkdir(directory, { mode: 0o700 });
  const taking = parts.berths.take();
  let mountPoints: number | null = null;
  try {
    mountPoints = makeMissingMountPoints(parts, step);
    const joined = await joinNetworks(parts, record);
    const request = await startRequest(parts, record, {
      exitFile: join(directory, "exit.json"),
      directory,
      joined,
      lower: mountPoints === null ? step.lower : [mountPoints, ...step.lower],
      mounts: step.mounts,
    });
    const shim = await taking;
    await shim.create({ ...request, log: null });
    const exited = new Promise<number>((resolve, reject) => {
      shim.onExit = (exit) => resolve(exit.exitCode);
      shim.onDisconnect = () => reject(new Error("the shim of a build step is gone"));
    });
    exited.catch(() => {});
    const output = await shim.attach({ process: "init", stdin: false, stdout: true, stderr: true });
    const kill = () => {
      shim.kill(SIGKILL).catch(() => {}); // It has ended by itself.
    };
    step.abort.addEventListener("abort", kill, { once: true });
    try {
      await shim.start();
      if (step.abort.aborted) kill();
      const demultiplex = createDemultiplexer((stream, piece) =>
        step.onOutput(stream === 2 ? "stderr" : "stdout", piece),
      );
      for await (const bytes of output) await demultiplex(bytes);
      const exitCode = await exited;
      if (step.abort.aborted) fail("cancelled", "BUILD_CANCELLED", "the build was cancelled");
      return { exitCode };
    } finally {
      step.abort.removeEventListener("abort", kill);
      output.destroy();
    }
  } finally {
    parts.networks.release(step.id);
    // Nothing of the step may run on, whatever happened.
    await endShim(await taking);
    if (mountPoints !== null) parts.snapshotter.remove(mountPoints);
    await rm(directory, { recursive: true, force: true });
  }
}

/** A snapshot to stack on the step's layers so that nothing has to be made in its own; null where nothing is missing. */
function makeMissingMountPoints({ snapshotter }: EngineParts, { id, lower, mountPoints }: BuildStep): number | null {
  const missing = planMountPoints(snapshotter, lower, mountPoints);
  return missing.length === 0 ? null : makeMountPoints(snapshotter, `build ${id}`, missing);
}

function recordOf(step: BuildStep): ContainerRecord {
  const mode = step.networkMode === "" || step.networkMode === "default" ? "bridge" : step.networkMode;
  return {
    id: step.id,
    name: step.id,
    created: timestampNow(),
    imageId: "",
    chainId: null,
    config: ContainerConfigSchema.parse({
      Hostname: step.hostname || shortId(step.id),
      Cmd: step.args,
      Env: step.env,
      WorkingDir: step.cwd,
      User: step.user,
    }),
    hostConfig: HostConfigSchema.parse({
      ...step.resources,
      NetworkMode: mode,
      ShmSize: step.shmSizeBytes,
      ExtraHosts: step.extraHosts,
      SecurityOpt: step.securityOptions,
      Privileged: step.privileged,
      ReadonlyRootfs: step.readonlyRoot,
      LogConfig: { Type: "none" },
    }),
    networks: mode.startsWith("container:") ? {} : { [mode]: EndpointSettingsSchema.parse({}) },
    mounts: [],
    snapshot: step.snapshotKey,
    platform: "linux",
    restartCount: 0,
    stoppedByUser: false,
    state: { status: "created", error: "", exitCode: 0 },
    health: null,
  };
}
