import { readFileSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { errnoOf, messageOf } from "../base/errors.ts";
import { timestampNow } from "../base/timestamp.ts";
import { berthCgroup } from "../runtime/berths.ts";
import { removeCgroup } from "../runtime/cgroup.ts";
import { thaw } from "../runtime/cgroup-freezer.ts";
import { Shim } from "../runtime/shim.ts";
import { MountPointLayers } from "../snapshot/mount-point-layer.ts";
import { completeNetworks } from "./connect-running.ts";
import { type ContainerExit, containerExited } from "./container-exit.ts";
import { type ContainerRecord, isRestarting, type RunningState } from "./container-record.ts";
import { endShim } from "./end-shim.ts";
import type { EngineParts } from "./engine-parts.ts";
import { containerDirectory } from "./inspect-container.ts";
import { shouldStartWithEngine } from "./restart-policy.ts";
import { startByPolicy, startContainer, watchShim } from "./start-container.ts";
import { watchHealthAgain } from "./watch-health.ts";

/**
 * Makes records and machine agree after the last engine ended, however it did: finds running containers again, notes the
 * ends it missed, clears what has no owner, and starts what should run.
 */
export async function reconcile(parts: EngineParts): Promise<void> {
  const running = parts.containers.all().filter(({ state }) => state.status === "running");
  await Promise.all([...running.map((record) => findAgain(parts, record)), dismissStrays(parts, running)]);
  parts.snapshotter.sweep((owner) => parts.containers.has(owner) || MountPointLayers.owns(owner));
  await clearDirectories(parts);
  parts.networks.ensureDefaults();
  await parts.networks.reconcile([...parts.live.keys()]);
  await Promise.all([...parts.live.keys()].map((id) => completeNetworksOf(parts, id)));
  parts.images.sweep();
  for (const record of parts.containers.all()) {
    if (record.state.status === "exited" && record.hostConfig.AutoRemove) parts.afterExit(record, 0);
    if (record.state.status === "running" || !shouldStartWithEngine(record)) continue;
    const starting = isRestarting(record.state) ? startByPolicy(parts, record.id) : startContainer(parts, record.id);
    starting.catch((error) => {
      parts.log("error", "a container could not be started with the engine", {
        container: record.id,
        error: messageOf(error),
      });
    });
  }
}

async function findAgain(parts: EngineParts, record: ContainerRecord): Promise<void> {
  const state = record.state as RunningState;
  try {
    const shim = await Shim.connect(socketOf(parts, state.shim));
    if (shim.state.status === "running") {
      watchShim(parts, record.id, shim, Promise.resolve());
      watchHealthAgain(parts, record.id, shim);
      // A commit, or a pause that was not noted yet, may have been cut off by the engine's end. Where a group cannot be thawed
      // it was not frozen either.
      if (!state.paused) await thaw(parts.cgroups, state.cgroupPath).catch(() => {});
      return;
    }
    await shim.release();
  } catch (error) {
    // No shim listens: it wrote down the end and left, or went with the machine.
    parts.log("info", "a container ended while no engine ran", { container: record.id, error: messageOf(error) });
  }
  removeCgroup(parts.cgroups, state.cgroupPath);
  containerExited(parts, record.id, readExit(parts, record.id));
}

async function completeNetworksOf(parts: EngineParts, id: string): Promise<void> {
  try {
    await completeNetworks(parts, id);
  } catch (error) {
    parts.log("error", "a container's networks could not be completed", { container: id, error: messageOf(error) });
  }
}

function socketOf(parts: EngineParts, shim: string): string {
  return join(parts.paths.run, "shims", `${shim}.sock`);
}

const ExitSchema = z.object({ exitCode: z.int(), oomKilled: z.boolean(), finishedAt: z.string() });

/** What the shim wrote down. Where there is nothing - the machine went down - the container was killed. */
function readExit(parts: EngineParts, id: string): ContainerExit {
  try {
    return ExitSchema.parse(JSON.parse(readFileSync(join(containerDirectory(parts, id), "exit.json"), "utf8")));
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") parts.log("error", "an exit record does not read", { container: id, error });
    return { exitCode: 137, oomKilled: false, finishedAt: timestampNow() };
  }
}

async function clearDirectories(parts: EngineParts): Promise<void> {
  const directory = join(parts.paths.root, "containers");
  for (const name of await readdir(directory)) {
    if (!parts.containers.has(name)) parts.trash.discard(join(directory, name));
  }
  const temporary = join(parts.paths.root, "tmp");
  for (const name of await readdir(temporary)) parts.trash.discard(join(temporary, name));
}

/**
 * Ends the shims that no container's record names: berths that the last engine had made ahead, containers that it died in the
 * middle of starting, steps of its builds.
 */
async function dismissStrays(parts: EngineParts, running: readonly ContainerRecord[]): Promise<void> {
  const ours = new Set(running.map(({ state }) => (state.status === "running" ? `${state.shim}.sock` : "")));
  const sockets = (await readdir(join(parts.paths.run, "shims"))).filter((file) => file.endsWith(".sock"));
  await Promise.all(
    sockets.filter((file) => !ours.has(file)).map((file) => dismissStray(parts, basename(file, ".sock"))),
  );
}

async function dismissStray(parts: EngineParts, name: string): Promise<void> {
  const socket = socketOf(parts, name);
  try {
    await endShim(await Shim.connect(socket));
  } catch (error) {
    // A power cut or SIGKILL ended it: nobody is left to take these away.
    parts.log("info", "a shim of the last engine is gone", { shim: name, error: messageOf(error) });
    await rm(socket, { force: true });
    removeCgroup(parts.cgroups, berthCgroup(name));
  }
}
