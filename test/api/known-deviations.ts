/**
 * Where documents differ from Docker's published description on purpose. Docker's own engine differs from it in the same
 * places: its lists and maps are null when nothing was given, and it leaves out what is empty.
 */

/** null, where the description has a list, an object or a number and does not say that it may be null. */
const NULL = [
  "ContainerBlkioStats.io_service_bytes_recursive",
  "ContainerConfig.Entrypoint",
  "ContainerConfig.Volumes",
  "EndpointSettings.Aliases",
  "EndpointSettings.DNSNames",
  "EndpointSettings.Links",
  "GET /exec/{id}/json.ExitCode",
  "GET /system/df.BuildCache",
  "GET /system/df.Containers",
  "GET /system/df.Images",
  "GenericResources",
  "HostConfig.Binds",
  "HostConfig.CapAdd",
  "HostConfig.CapDrop",
  "HostConfig.DeviceCgroupRules",
  "HostConfig.DeviceRequests",
  "HostConfig.ExtraHosts",
  "HostConfig.GroupAdd",
  "HostConfig.Links",
  "HostConfig.MemorySwappiness",
  "HostConfig.SecurityOpt",
  "HostConfig.VolumesFrom",
  "IPAM.Options",
  "ImageConfig.Entrypoint",
  "ImageConfig.Labels",
  "ImageConfig.Volumes",
  "ImageSummary.Labels",
  "POST /containers/prune.ContainersDeleted",
  "POST /images/prune.ImagesDeleted",
  "POST /networks/prune.NetworksDeleted",
  "PluginsInfo.Authorization",
  "SystemInfo.Warnings",
  "Volume.Labels",
  "Volume.Options",
  "VolumeListResponse.Warnings",
];

/** Not listed, but what older clients read. */
const ADDED = ["EventMessage.from", "EventMessage.id", "EventMessage.status"];

/** Listed, and nothing that Lighter has. */
const LACKING = [
  "ContainerInspectResponse.ImageManifestDescriptor",
  "ContainerSummary.ImageManifestDescriptor",
  "ImageInspect.Descriptor",
  "ImageInspect.Manifests",
  "ImageSummary.Descriptor",
  "ImageSummary.Manifests",
  "Network.Peers",
  "Runtime.status",
  "SystemInfo.Containerd",
  "SystemInfo.DefaultAddressPools",
  "SystemInfo.DiscoveredDevices",
  "SystemInfo.ProductLicense",
];

/** Left out where there is nothing to say, of another system than Linux, or not asked for. */
const LEFT_OUT: Readonly<Record<string, readonly string[]>> = {
  "not set": [
    "ContainerConfig.ArgsEscaped",
    "ContainerConfig.ExposedPorts",
    "ContainerConfig.Healthcheck",
    "ContainerConfig.MacAddress",
    "ContainerConfig.NetworkDisabled",
    "ContainerConfig.Shell",
    "ContainerConfig.StopSignal",
    "ContainerConfig.StopTimeout",
    "ContainerState.Health",
    "ContainerWaitResponse.Error",
    "FirewallInfo.Info",
    "HealthConfig.Interval",
    "HealthConfig.Retries",
    "HealthConfig.StartInterval",
    "HealthConfig.StartPeriod",
    "HealthConfig.Timeout",
    "HostConfig.Annotations",
    "HostConfig.Init",
    "HostConfig.Mounts",
    "HostConfig.StorageOpt",
    "HostConfig.Sysctls",
    "HostConfig.Tmpfs",
    "IPAMConfig.AuxiliaryAddresses",
    "IPAMConfig.IPRange",
    "ImageConfig.ArgsEscaped",
    "ImageConfig.ExposedPorts",
    "ImageConfig.Healthcheck",
    "ImageConfig.Shell",
    "ImageConfig.StopSignal",
    "ImageDeleteResponseItem.Deleted",
    "ImageDeleteResponseItem.Untagged",
    "ImageInspect.Variant",
    "OCIDescriptor.annotations",
    "OCIDescriptor.artifactType",
    "OCIDescriptor.data",
    "OCIDescriptor.platform",
    "OCIDescriptor.urls",
    "OCIPlatform.os.features",
    "OCIPlatform.os.version",
    "OCIPlatform.variant",
    "ProcessConfig.user",
    "Runtime.runtimeArgs",
    "SystemVersion.Experimental",
    "Volume.Status",
  ],
  "not asked for": ["ContainerInspectResponse.SizeRootFs", "ContainerInspectResponse.SizeRw", "Volume.UsageData"],
  "no member of a swarm": ["SwarmInfo.Cluster", "SwarmInfo.Managers", "SwarmInfo.Nodes", "Volume.ClusterVolume"],
  "the container does not run, or the kernel does not tell": [
    "ContainerCPUStats.online_cpus",
    "ContainerCPUStats.system_cpu_usage",
    "ContainerCPUUsage.percpu_usage",
    "ContainerMemoryStats.failcnt",
    "ContainerMemoryStats.limit",
    "ContainerMemoryStats.max_usage",
    "ContainerMemoryStats.stats",
    "ContainerMemoryStats.usage",
    "ContainerPidsStats.current",
    "ContainerPidsStats.limit",
    "ContainerStatsResponse.networks",
    "HostConfig.KernelMemoryTCP",
    "SystemInfo.KernelMemoryTCP",
  ],
  "Windows' alone": [
    "ContainerMemoryStats.commitbytes",
    "ContainerMemoryStats.commitpeakbytes",
    "ContainerMemoryStats.privateworkingset",
    "ContainerStorageStats.read_count_normalized",
    "ContainerStorageStats.read_size_bytes",
    "ContainerStorageStats.write_count_normalized",
    "ContainerStorageStats.write_size_bytes",
    "ImageInspect.OsVersion",
  ],
};

const ALLOWED = new Set([
  ...NULL.map((name) => `${name}: null`),
  ...ADDED.map((name) => `${name}: not listed`),
  ...[...LACKING, ...Object.values(LEFT_OUT).flat()].map((name) => `${name}: missing`),
]);

export function isAllowed(deviation: string): boolean {
  return ALLOWED.has(deviation);
}

/** What `docs/limits.md` has to name: all but what is left out for a good reason. */
export const NAMED_IN_LIMITS: readonly string[] = [...NULL, ...ADDED, ...LACKING];
