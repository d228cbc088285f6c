import { readdirSync, readFileSync } from "node:fs";
import { arch, cpus, hostname, version as kernelVersion, release, totalmem } from "node:os";
import { errnoOf } from "../base/errors.ts";
import { NO_FILTERS } from "../base/filters.ts";
import { timestampNow } from "../base/timestamp.ts";
import { API_VERSION, MIN_API_VERSION, VERSION } from "../base/version.ts";
import { hostArchitecture } from "../image/config.ts";
import { statusOf } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";
import { imageSizes } from "./image-sizes.ts";
import { Images } from "./images.ts";
import { listContainers } from "./list-containers.ts";
import { volumeUsers } from "./volume-commands.ts";

/** The body of `GET /version`. */
export function versionDocument() {
  const architecture = hostArchitecture();
  const details = {
    ApiVersion: API_VERSION,
    Arch: architecture,
    BuildTime: "",
    Experimental: "false",
    GitCommit: "",
    KernelVersion: release(),
    MinAPIVersion: MIN_API_VERSION,
    Os: "linux",
  };
  return {
    Platform: { Name: "Lighter" },
    Components: [{ Name: "Engine", Version: VERSION, Details: details }],
    Version: VERSION,
    ApiVersion: API_VERSION,
    MinAPIVersion: MIN_API_VERSION,
    GitCommit: "",
    GoVersion: "",
    Os: "linux",
    Arch: architecture,
    KernelVersion: release(),
    BuildTime: "",
  };
}

const DRIVER_STATUS: readonly (readonly [name: string, value: string])[] = [["Backing Filesystem", "overlay"]];

/** The body of `GET /info`. */
export function infoDocument(parts: EngineParts) {
  const statuses = parts.containers.all().map(({ state }) => statusOf(state));
  const count = (...wanted: string[]) => statuses.filter((status) => wanted.includes(status)).length;
  const { version: cgroupVersion } = parts.cgroups;
  const has = (controller: string) => parts.cgroups.trees.has(controller);
  return {
    ID: parts.store.engineId(),
    Containers: statuses.length,
    ContainersRunning: count("running", "restarting"),
    ContainersPaused: count("paused"),
    ContainersStopped: count("exited", "created"),
    Images: parts.images.list().length,
    Driver: "overlay2",
    DriverStatus: DRIVER_STATUS,
    Plugins: {
      Volume: ["local"],
      Network: ["bridge", "host", "ipvlan", "macvlan", "null"],
      Authorization: null,
      Log: ["json-file", "local", "none"],
    },
    MemoryLimit: has("memory"),
    SwapLimit: has("memory"),
    CpuCfsPeriod: has("cpu"),
    CpuCfsQuota: has("cpu"),
    CPUShares: has("cpu"),
    CPUSet: has("cpuset"),
    PidsLimit: has("pids"),
    OomKillDisable: has("memory") && cgroupVersion === 1,
    IPv4Forwarding: readText("/proc/sys/net/ipv4/ip_forward").trim() === "1",
    Debug: false,
    NFd: countEntries("/proc/self/fd"),
    NGoroutines: countEntries("/proc/self/task"),
    SystemTime: timestampNow(),
    LoggingDriver: "json-file",
    CgroupDriver: "cgroupfs",
    CgroupVersion: String(cgroupVersion),
    NEventsListener: parts.events.listenerCount,
    KernelVersion: release(),
    OperatingSystem: osRelease("PRETTY_NAME"),
    OSVersion: osRelease("VERSION_ID"),
    OSType: "linux",
    Architecture: kernelArchitecture(),
    IndexServerAddress: "https://index.docker.io/v1/",
    NCPU: cpus().length,
    MemTotal: totalmem(),
    GenericResources: null,
    DockerRootDir: parts.paths.root,
    HttpProxy: "",
    HttpsProxy: "",
    NoProxy: "",
    Name: hostname(),
    Labels: [],
    ExperimentalBuild: false,
    ServerVersion: VERSION,
    Runtimes: { lighter: { path: "lighter-shim" } },
    DefaultRuntime: "lighter",
    Swarm: {
      NodeID: "",
      NodeAddr: "",
      LocalNodeState: "inactive",
      ControlAvailable: false,
      Error: "",
      RemoteManagers: null,
    },
    LiveRestoreEnabled: true,
    Isolation: "",
    InitBinary: "lighter-shim",
    ContainerdCommit: { ID: "" },
    RuncCommit: { ID: "" },
    InitCommit: { ID: "" },
    SecurityOptions: ["name=seccomp,profile=builtin", "name=cgroupns"],
    FirewallBackend: { Driver: "nftables" },
    CDISpecDirs: [],
    Warnings: null,
  };
}

/** The body of `GET /system/df`. */
export async function diskUsageDocument(parts: EngineParts) {
  const containers = await listContainers(parts, { all: true, limit: 0, size: true, filters: NO_FILTERS });
  const images = new Images(parts).list({ all: false, sharedSize: true, filters: NO_FILTERS });
  return {
    LayersSize: imageSizes(parts).layersBytes,
    Images: images,
    Containers: containers,
    Volumes: await parts.volumes.listWithUsage(volumeUsers(parts)),
    BuildCache: [],
  };
}

function kernelArchitecture(): string {
  return arch() === "x64" ? "x86_64" : arch() === "arm64" ? "aarch64" : arch();
}

function osRelease(key: string): string {
  const line = readText("/etc/os-release")
    .split("\n")
    .find((text) => text.startsWith(`${key}=`));
  return line?.slice(key.length + 1).replaceAll('"', "") ?? (key === "PRETTY_NAME" ? kernelVersion() : "");
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return "";
    throw error;
  }
}

function countEntries(path: string): number {
  return readdirSync(path).length;
}
