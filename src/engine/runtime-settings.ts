import { join } from "node:path";
import { fail } from "../base/errors.ts";
import type { RuntimeSettings } from "../runtime/create-spec.ts";
import { NO_DEVICES, resolveDevices } from "../runtime/devices.ts";
import type { ContainerMount, EtcFiles } from "../runtime/mounts.ts";
import type { NamespaceMode, NamespaceModes } from "../runtime/namespaces.ts";
import { ociResources } from "../runtime/resources.ts";
import { parseSecurityOptions } from "../runtime/security-options.ts";
import type { HostConfig } from "./container-config.ts";
import { runtimeMounts } from "./container-mounts.ts";
import { type ContainerRecord, commandLine } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";
import { joinedContainer } from "./require-modes.ts";
import { requireRunning } from "./require-running.ts";

/**
 * A container's record in the words of the runtime: modes of namespaces looked up, devices found, limits as the OCI spec has
 * them. @param etcDirectory where its hosts, hostname and resolv.conf are; null to keep the image's own.
 * @throws invalid in Docker's words; conflict where another container whose namespace it joins does not run.
 */
export async function runtimeSettings(
  parts: EngineParts,
  record: ContainerRecord,
  etcDirectory: string | null,
): Promise<RuntimeSettings> {
  const { hostConfig } = record;
  const [devices, resources, mounts] = await Promise.all([
    resolveDevices({
      privileged: hostConfig.Privileged,
      mappings: hostConfig.Devices,
      cgroupRules: hostConfig.DeviceCgroupRules ?? [],
    }),
    ociResources(hostConfig),
    runtimeMounts(parts, record.mounts),
  ]);
  return {
    ...processSettings(record),
    namespaces: namespaceModes(parts, hostConfig),
    mounts: [...mounts, ...tmpfsMounts(hostConfig)],
    etcFiles: etcDirectory === null ? null : etcFilesIn(etcDirectory),
    devices,
    resources,
  };
}

/** The part of it that decides how a process runs, without looking at anything; no mounts, devices or limits. */
export function processSettings({ id, config, hostConfig }: ContainerRecord): RuntimeSettings {
  return {
    id,
    args: commandLine(config),
    env: config.Env,
    cwd: config.WorkingDir,
    user: config.User,
    groupAdd: hostConfig.GroupAdd ?? [],
    tty: config.Tty,
    hostname: config.Hostname,
    domainname: config.Domainname,
    rootPath: "/",
    readonlyRootfs: hostConfig.ReadonlyRootfs,
    privileged: hostConfig.Privileged,
    capAdd: hostConfig.CapAdd ?? [],
    capDrop: hostConfig.CapDrop ?? [],
    security: parseSecurityOptions(hostConfig.SecurityOpt ?? []),
    maskedPaths: hostConfig.MaskedPaths,
    readonlyPaths: hostConfig.ReadonlyPaths,
    namespaces: { pid: "private", network: "private", ipc: "private", uts: "private", cgroup: "private" },
    mounts: [],
    etcFiles: null,
    shmSize: hostConfig.ShmSize,
    devices: NO_DEVICES,
    resources: {},
    cgroupParent: hostConfig.CgroupParent,
    ulimits: hostConfig.Ulimits,
    sysctls: hostConfig.Sysctls,
    oomScoreAdj: hostConfig.OomScoreAdj,
    annotations: hostConfig.Annotations,
  };
}

function etcFilesIn(directory: string): EtcFiles {
  return {
    hosts: join(directory, "hosts"),
    hostname: join(directory, "hostname"),
    resolvConf: join(directory, "resolv.conf"),
  };
}

function namespaceModes(parts: EngineParts, hostConfig: HostConfig): NamespaceModes {
  const { IpcMode: ipc } = hostConfig;
  return {
    pid: namespaceMode(parts, hostConfig.PidMode),
    network: namespaceMode(parts, hostConfig.NetworkMode),
    ipc: ipc === "none" ? "none" : ipcMode(parts, ipc),
    uts: namespaceMode(parts, hostConfig.UTSMode),
    cgroup: namespaceMode(parts, hostConfig.CgroupnsMode),
  };
}

/** A container's shared memory is for others only where it was made `shareable`. */
function ipcMode(parts: EngineParts, mode: string): NamespaceMode {
  const joined = joinedContainer(mode);
  const owner = joined === null ? null : parts.containers.resolve(joined);
  if (owner !== null && ["private", "none"].includes(owner.hostConfig.IpcMode)) {
    const hint = "non-shareable IPC (hint: use IpcMode:shareable for the donor container)";
    fail("invalid", "IPC_NOT_SHAREABLE", `can't join IPC of container ${owner.id}: ${hint}`);
  }
  return namespaceMode(parts, mode);
}

/** `host`, `container:<id>`; anything else is a namespace of the container's own. */
function namespaceMode(parts: EngineParts, mode: string): NamespaceMode {
  if (mode === "host") return "host";
  const joined = joinedContainer(mode);
  if (joined === null) return "private";
  const other = parts.containers.resolve(joined);
  return { pid: requireRunning(other, "cannot join its namespace").pid };
}

function tmpfsMounts(hostConfig: HostConfig): ContainerMount[] {
  return Object.entries(hostConfig.Tmpfs).map(([target, options]) => ({ kind: "tmpfs", target, options }));
}
