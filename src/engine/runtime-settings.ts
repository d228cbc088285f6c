import { join } from "node:path";
import type { RuntimeSettings } from "../runtime/create-spec.ts";
import { resolveDevices } from "../runtime/devices.ts";
import type { ContainerMount, Propagation } from "../runtime/mounts.ts";
import type { NamespaceMode, NamespaceModes } from "../runtime/namespaces.ts";
import { ociResources } from "../runtime/resources.ts";
import { parseSecurityOptions } from "../runtime/security-options.ts";
import type { HostConfig } from "./container-config.ts";
import { type ContainerRecord, commandLine, type MountPoint } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";
import { requireRunning } from "./stop-container.ts";

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
  const { config, hostConfig } = record;
  return {
    id: record.id,
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
    namespaces: namespaceModes(parts, hostConfig),
    mounts: [...record.mounts.map(containerMount), ...tmpfsMounts(hostConfig)],
    etcFiles:
      etcDirectory === null
        ? null
        : {
            hosts: join(etcDirectory, "hosts"),
            hostname: join(etcDirectory, "hostname"),
            resolvConf: join(etcDirectory, "resolv.conf"),
          },
    shmSize: hostConfig.ShmSize,
    devices: await resolveDevices({
      privileged: hostConfig.Privileged,
      mappings: hostConfig.Devices,
      cgroupRules: hostConfig.DeviceCgroupRules ?? [],
    }),
    resources: await ociResources(hostConfig),
    cgroupParent: hostConfig.CgroupParent,
    ulimits: hostConfig.Ulimits,
    sysctls: hostConfig.Sysctls,
    oomScoreAdj: hostConfig.OomScoreAdj,
    initPath: null,
    annotations: hostConfig.Annotations,
  };
}

function namespaceModes(parts: EngineParts, hostConfig: HostConfig): NamespaceModes {
  const { IpcMode: ipc } = hostConfig;
  return {
    pid: namespaceMode(parts, hostConfig.PidMode),
    network: namespaceMode(parts, hostConfig.NetworkMode),
    ipc: ipc === "none" ? "none" : namespaceMode(parts, ipc),
    uts: namespaceMode(parts, hostConfig.UTSMode),
    cgroup: namespaceMode(parts, hostConfig.CgroupnsMode),
  };
}

/** `host`, `container:<id>`; anything else is a namespace of the container's own. */
function namespaceMode(parts: EngineParts, mode: string): NamespaceMode {
  if (mode === "host") return "host";
  const prefix = "container:";
  if (!mode.startsWith(prefix)) return "private";
  const other = parts.containers.resolve(mode.slice(prefix.length));
  return { pid: requireRunning(other, "cannot join its namespace").pid };
}

function containerMount(mount: MountPoint): ContainerMount {
  return {
    kind: "bind",
    source: mount.Source,
    target: mount.Destination,
    readonly: !mount.RW,
    propagation: (mount.Propagation || null) as Propagation | null,
  };
}

function tmpfsMounts(hostConfig: HostConfig): ContainerMount[] {
  return Object.entries(hostConfig.Tmpfs).map(([target, options]) => ({ kind: "tmpfs", target, options }));
}
