import { fail } from "../base/errors.ts";
import type { HostConfig } from "./container-config.ts";
import type { EngineParts } from "./engine-parts.ts";
import { joinedContainer } from "./require-modes.ts";
import { requireRestartPolicy } from "./restart-policy.ts";

const DEFAULT_SHM_BYTES = 64 * 1024 * 1024;

/**
 * What a client leaves open, filled in as `inspect` shows it; other containers are named by their full ids, for names may
 * change hands. @throws invalid for a restart policy that makes no sense, in Docker's words; not-found for a container.
 */
export function withHostDefaults(parts: EngineParts, hostConfig: HostConfig): HostConfig {
  const { RestartPolicy: restart, LogConfig: log } = hostConfig;
  if (hostConfig.AutoRemove && restart.Name !== "" && restart.Name !== "no") {
    fail("invalid", "AUTO_REMOVE_RESTARTS", "can't create 'AutoRemove' container with restart policy");
  }
  requireRestartPolicy(restart);
  const mode = hostConfig.NetworkMode;
  return {
    ...hostConfig,
    NetworkMode: mode === "" || mode === "default" ? "bridge" : resolveContainerMode(parts, mode),
    PidMode: resolveContainerMode(parts, hostConfig.PidMode),
    IpcMode: hostConfig.IpcMode === "" ? "private" : resolveContainerMode(parts, hostConfig.IpcMode),
    CgroupnsMode: hostConfig.CgroupnsMode || "private",
    ShmSize: hostConfig.ShmSize || DEFAULT_SHM_BYTES,
    Runtime: hostConfig.Runtime || "lighter",
    RestartPolicy: { ...restart, Name: restart.Name || "no" },
    LogConfig: { ...log, Type: log.Type || "json-file" },
  };
}

function resolveContainerMode(parts: EngineParts, mode: string): string {
  const other = joinedContainer(mode);
  return other === null ? mode : `container:${parts.containers.resolve(other).id}`;
}
