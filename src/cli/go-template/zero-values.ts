/**
 * Optional fields of the Engine API's documents, by the Go type that Docker's CLI reads them into. Where such a field is
 * null or missing, a template sees that type's zero value, so that `{{if .State.Health}}` works on every container.
 */
const POINTERS = [
  "BindOptions",
  "Descriptor",
  "DriverConfig",
  "Health",
  "Healthcheck",
  "IPAMConfig",
  "ImageManifestDescriptor",
  "ImageOptions",
  "Init",
  "MemorySwappiness",
  "OomKillDisable",
  "PidsLimit",
  "Platform",
  "SizeRootFs",
  "SizeRw",
  "StopTimeout",
  "TmpfsOptions",
  "UsageData",
  "VolumeOptions",
];
const LISTS = [
  "Aliases",
  "Args",
  "Binds",
  "CapAdd",
  "CapDrop",
  "Cmd",
  "DNSNames",
  "DeviceCgroupRules",
  "DeviceRequests",
  "Devices",
  "Dns",
  "DnsOptions",
  "DnsSearch",
  "Entrypoint",
  "Env",
  "ExecIDs",
  "ExtraHosts",
  "GroupAdd",
  "LinkLocalIPs",
  "Links",
  "MaskedPaths",
  "Mounts",
  "OnBuild",
  "ReadonlyPaths",
  "RepoDigests",
  "RepoTags",
  "SecurityOpt",
  "Shell",
  "Test",
  "Ulimits",
  "VolumesFrom",
];
const MAPS = [
  "Annotations",
  "AuxiliaryAddresses",
  "Data",
  "DriverOpts",
  "ExposedPorts",
  "Labels",
  "Networks",
  "Options",
  "PortBindings",
  "Ports",
  "StorageOpt",
  "Sysctls",
  "Tmpfs",
  "Volumes",
];
const TEXTS = ["MacAddress", "Runtime", "StopSignal", "VolumeDriver"];

const ZERO_VALUES = new Map<string, unknown>([
  ...POINTERS.map((name) => [name, null] as const),
  ...LISTS.map((name) => [name, []] as const),
  ...MAPS.map((name) => [name, {}] as const),
  ...TEXTS.map((name) => [name, ""] as const),
]);

/** The zero value of a field that may be missing; undefined for every other name. */
export function zeroValueOf(name: string): unknown {
  return ZERO_VALUES.get(name);
}
