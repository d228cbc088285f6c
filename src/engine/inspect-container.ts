import { join } from "node:path";
import { ZERO_TIMESTAMP } from "../base/timestamp.ts";
import { mountsDocument } from "../volume/mount-point.ts";
import { configDocument, hostConfigDocument } from "./config-documents.ts";
import { type ContainerRecord, type ContainerState, commandLine, isRestarting, statusOf } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";
import { networkSettings } from "./network-settings.ts";

/** The body of `GET /containers/{id}/json` in the shape of API 1.51. */
export type InspectDocument = ReturnType<typeof inspectDocument>;

/** @param sizes of the writable layer and of the whole root, where the client asked for them. */
export function inspectDocument(
  parts: EngineParts,
  record: ContainerRecord,
  sizes?: { SizeRw: number; SizeRootFs: number },
) {
  const [path = "", ...args] = commandLine(record.config);
  const files = containerDirectory(parts, record.id);
  return {
    Id: record.id,
    Created: record.created,
    Path: path,
    Args: args,
    State: { ...stateDocument(record.state), ...(record.health ? { Health: record.health } : {}) },
    Image: record.imageId,
    ResolvConfPath: join(files, "resolv.conf"),
    HostnamePath: join(files, "hostname"),
    HostsPath: join(files, "hosts"),
    LogPath: logPath(parts, record),
    Name: `/${record.name}`,
    RestartCount: record.restartCount,
    Driver: "overlay2",
    Platform: record.platform,
    MountLabel: "",
    ProcessLabel: "",
    AppArmorProfile: "",
    ExecIDs: parts.execs.idsOf(record.id),
    HostConfig: hostConfigDocument(parts, record),
    GraphDriver: { Name: "overlay2", Data: parts.snapshotter.graphData(record.snapshot) },
    ...sizes,
    Mounts: mountsDocument(record.mounts),
    Config: configDocument(record.config),
    NetworkSettings: networkSettings(parts, record),
  };
}

function stateDocument(state: ContainerState) {
  const running = state.status === "running";
  // As in Docker, so that clients who wait for the end of a container do not take the pause for it.
  const restarting = isRestarting(state);
  const exited = state.status === "exited";
  return {
    Status: statusOf(state),
    Running: running || restarting,
    Paused: running && state.paused,
    Restarting: restarting,
    OOMKilled: exited && state.oomKilled,
    Dead: false,
    Pid: running ? state.pid : 0,
    ExitCode: running ? 0 : state.exitCode,
    Error: running ? "" : state.error,
    StartedAt: state.status === "created" ? ZERO_TIMESTAMP : state.startedAt,
    FinishedAt: exited ? state.finishedAt : ZERO_TIMESTAMP,
  };
}

/** Where a container's own files are: logs, hosts, exit record. */
export function containerDirectory(parts: EngineParts, id: string): string {
  return join(parts.paths.root, "containers", id);
}

/** The json-file log; empty where the container's log driver keeps none. */
export function logPath(parts: EngineParts, record: ContainerRecord): string {
  const { Type: driver } = record.hostConfig.LogConfig;
  return driver === "none" ? "" : join(containerDirectory(parts, record.id), `${record.id}-json.log`);
}
