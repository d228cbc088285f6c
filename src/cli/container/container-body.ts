import type { CreateBody, Healthcheck, HostConfig } from "../../client/container-documents.ts";
import type { Values } from "../option.ts";
import { normalizeCapabilities } from "./capability-names.ts";
import type { containerOptions } from "./container-options.ts";
import { collectEnvironment, collectLabels } from "./environment.ts";
import { parseRestartPolicy } from "./limit-flags.ts";
import { checkMacAddress } from "./name-flags.ts";
import { networkSettings } from "./network-flag.ts";
import { parseExposed, parsePublished } from "./port-flags.ts";
import { parseSecurityOptions } from "./security-options.ts";
import { parseVolumes } from "./volume-flag.ts";

type ContainerValues = Values<typeof containerOptions>;

/**
 * The body of `POST /containers/create` for the flags of `run` and `create`. What is not asked for is left out: the
 * engine's zero value. Proven against the docker CLI's own bodies.
 * @throws Error in Docker's words for flags that exclude each other or make no sense
 */
export function containerBody(options: ContainerValues, image: string, command: readonly string[]): CreateBody {
  const published = parsePublished(options.publish);
  const volumes = parseVolumes(options.volume);
  const attach = new Set(options.attach);
  const attachStdin = options.interactive || attach.has("stdin");
  const { mode, endpoints } = networkSettings(options.network, {
    ip: options.ip,
    ip6: options.ip6,
    aliases: options["network-alias"],
    links: options.link,
    linkLocalIps: options["link-local-ip"],
    macAddress: options["mac-address"] === undefined ? undefined : checkMacAddress(options["mac-address"]),
  });
  return {
    Hostname: options.hostname,
    Domainname: options.domainname,
    User: options.user,
    AttachStdin: attachStdin,
    AttachStdout: attach.size === 0 || attach.has("stdout"),
    AttachStderr: attach.size === 0 || attach.has("stderr"),
    Tty: options.tty,
    OpenStdin: options.interactive,
    StdinOnce: options.interactive && attachStdin,
    Env: collectEnvironment(options["env-file"], options.env),
    Labels: collectLabels(options["label-file"], options.label),
    Cmd: orNothing(command),
    Image: image,
    WorkingDir: options.workdir,
    Entrypoint: options.entrypoint === undefined ? undefined : [options.entrypoint],
    StopSignal: options["stop-signal"],
    StopTimeout: options["stop-timeout"],
    Healthcheck: healthcheck(options),
    ExposedPorts: { ...published.exposed, ...parseExposed(options.expose) },
    Volumes: volumes.anonymous,
    HostConfig: {
      ...hostConfig(options),
      Binds: orNothing(volumes.binds),
      PortBindings: published.bindings,
      NetworkMode: mode,
    },
    NetworkingConfig: { EndpointsConfig: endpoints },
  };
}

function hostConfig(options: ContainerValues): HostConfig {
  const security = parseSecurityOptions(options["security-opt"]);
  const restart = parseRestartPolicy(options.restart ?? "no");
  if (options.rm && restart.Name !== "no" && restart.Name !== "") {
    throw new Error("conflicting options: cannot specify both --restart and --rm");
  }
  return {
    ...resources(options),
    ...namespaces(options),
    ContainerIDFile: options.cidfile,
    LogConfig: logConfig(options),
    RestartPolicy: restart,
    AutoRemove: options.rm,
    VolumeDriver: options["volume-driver"],
    VolumesFrom: orNothing(options["volumes-from"]),
    Mounts: orNothing(options.mount),
    Tmpfs: pairs(options.tmpfs, ":"),
    Annotations: options.annotation,
    CapAdd: orNothing(normalizeCapabilities(options["cap-add"])),
    CapDrop: orNothing(normalizeCapabilities(options["cap-drop"])),
    Dns: orNothing(options.dns),
    DnsOptions: orNothing(options["dns-option"]),
    DnsSearch: orNothing(options["dns-search"]),
    ExtraHosts: orNothing(options["add-host"]),
    GroupAdd: orNothing(options["group-add"]),
    Links: orNothing(options.link),
    OomScoreAdj: options["oom-score-adj"],
    Privileged: options.privileged,
    PublishAllPorts: options["publish-all"],
    ReadonlyRootfs: options["read-only"],
    SecurityOpt: orNothing(security.options),
    MaskedPaths: security.unmasked ? [] : undefined,
    ReadonlyPaths: security.unmasked ? [] : undefined,
    StorageOpt: storageOptions(options["storage-opt"]),
    ShmSize: options["shm-size"],
    Sysctls: options.sysctl,
    Runtime: options.runtime,
    Isolation: options.isolation,
    Init: options.init,
  };
}

function resources(options: ContainerValues): Partial<HostConfig> {
  const swappiness = options["memory-swappiness"];
  if (swappiness !== undefined && swappiness !== -1 && (swappiness < 0 || swappiness > 100)) {
    throw new Error(`invalid value: ${swappiness}. Valid memory swappiness range is 0-100`);
  }
  return {
    BlkioWeight: options["blkio-weight"],
    BlkioWeightDevice: orNothing(options["blkio-weight-device"]),
    BlkioDeviceReadBps: orNothing(options["device-read-bps"]),
    BlkioDeviceReadIOps: orNothing(options["device-read-iops"]),
    BlkioDeviceWriteBps: orNothing(options["device-write-bps"]),
    BlkioDeviceWriteIOps: orNothing(options["device-write-iops"]),
    CgroupParent: options["cgroup-parent"],
    CpuPeriod: options["cpu-period"],
    CpuQuota: options["cpu-quota"],
    CpuRealtimePeriod: options["cpu-rt-period"],
    CpuRealtimeRuntime: options["cpu-rt-runtime"],
    CpuShares: options["cpu-shares"],
    CpusetCpus: options["cpuset-cpus"],
    CpusetMems: options["cpuset-mems"],
    DeviceCgroupRules: orNothing(options["device-cgroup-rule"]),
    DeviceRequests: orNothing(options.gpus),
    Devices: orNothing(options.device),
    Memory: options.memory,
    MemoryReservation: options["memory-reservation"],
    MemorySwap: options["memory-swap"],
    MemorySwappiness: swappiness ?? -1,
    NanoCpus: options.cpus,
    OomKillDisable: options["oom-kill-disable"],
    PidsLimit: options["pids-limit"],
    Ulimits: orNothing(options.ulimit),
  };
}

function namespaces(options: ContainerValues): Partial<HostConfig> {
  const { pid = "", uts = "", userns = "", cgroupns = "" } = options;
  if (pid !== "" && pid !== "host" && !/^container:./.test(pid)) throw new Error("--pid: invalid PID mode");
  if (uts !== "" && uts !== "host") throw new Error("--uts: invalid UTS mode");
  if (userns !== "" && userns !== "host") throw new Error("--userns: invalid USER mode");
  if (!["", "host", "private"].includes(cgroupns)) throw new Error("--cgroupns: invalid CGROUP mode");
  return { PidMode: pid, UTSMode: uts, UsernsMode: userns, CgroupnsMode: cgroupns, IpcMode: options.ipc };
}

function logConfig(options: ContainerValues): HostConfig["LogConfig"] {
  if (options["log-driver"] === "none" && options["log-opt"].length > 0) {
    throw new Error("invalid logging opts for driver none");
  }
  return { Type: options["log-driver"], Config: pairs(options["log-opt"], "=") };
}

function healthcheck(options: ContainerValues): Healthcheck | undefined {
  const command = options["health-cmd"];
  const times = {
    Interval: options["health-interval"],
    Timeout: options["health-timeout"],
    StartPeriod: options["health-start-period"],
    StartInterval: options["health-start-interval"],
    Retries: options["health-retries"],
  };
  const anything = command !== undefined || Object.values(times).some((value) => value !== undefined);
  if (options["no-healthcheck"]) {
    if (anything) throw new Error("--no-healthcheck conflicts with --health-* options");
    return { Test: ["NONE"] };
  }
  if (!anything) return undefined;
  const flags = {
    Interval: "interval",
    Timeout: "timeout",
    StartPeriod: "start-period",
    StartInterval: "start-interval",
    Retries: "retries",
  };
  for (const [field, flag] of Object.entries(flags)) {
    if (Number(Reflect.get(times, field) ?? 0) < 0) throw new Error(`--health-${flag} cannot be negative`);
  }
  return { Test: command === undefined ? undefined : ["CMD-SHELL", command], ...times };
}

function storageOptions(words: readonly string[]): Record<string, string> {
  if (words.some((word) => !word.includes("="))) throw new Error("invalid storage option");
  return pairs(words, "=");
}

function pairs(words: readonly string[], separator: string): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf(separator);
      return at < 0 ? [word, ""] : [word.slice(0, at), word.slice(at + 1)];
    }),
  );
}

function orNothing<T>(values: readonly T[]): readonly T[] | undefined {
  return values.length > 0 ? values : undefined;
}
