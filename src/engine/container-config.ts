import { z } from "zod";
import { field, type GoObject, goObject, optionalField } from "../base/go-object.ts";

/**
 * What a client asks of a container, in the Engine API's own field names and units, because `inspect` must return what
 * `create` was told.
 */

const text = field(z.string(), "");
const flag = field(z.boolean(), false);
const integer = field(z.int(), 0);
const optionalFlag = optionalField(z.boolean());
const optionalInteger = optionalField(z.int());
const textList = field(z.array(z.string()), []);
const optionalTextList = optionalField(z.array(z.string()));
/** Docker's clients have sent a command as one string since 1.0; it means a list of one. */
const command = optionalField(z.union([z.string().transform((word) => [word]), z.array(z.string())]));
const textMap = field(z.record(z.string(), z.string()), {});
const set = field(
  z
    .record(z.string(), z.looseObject({}).nullish())
    .transform(
      (value): Record<string, Record<string, never>> => Object.fromEntries(Object.keys(value).map((key) => [key, {}])),
    ),
  {},
);
const terminalSize = z.array(z.int()).length(2);

const listOf = <T extends z.ZodType>(type: T) => field(z.array(type), []);

/** Times in nanoseconds; zero means "inherit" in an image and "default" in a container. */
const HEALTHCHECK = {
  Test: optionalTextList,
  Interval: integer,
  Timeout: integer,
  StartPeriod: integer,
  StartInterval: integer,
  Retries: integer,
};
export type Healthcheck = GoObject<typeof HEALTHCHECK>;

const CONFIG = {
  Hostname: text,
  Domainname: text,
  User: text,
  AttachStdin: flag,
  AttachStdout: flag,
  AttachStderr: flag,
  /** `80/tcp` and the like. */
  ExposedPorts: set,
  Tty: flag,
  OpenStdin: flag,
  StdinOnce: flag,
  /** `NAME=value`; a bare `NAME` removes what the image sets. */
  Env: textList,
  Cmd: command,
  Healthcheck: optionalField(goObject(HEALTHCHECK)),
  ArgsEscaped: flag,
  Image: text,
  /** Paths that get an anonymous volume. */
  Volumes: set,
  WorkingDir: text,
  Entrypoint: command,
  NetworkDisabled: flag,
  MacAddress: text,
  OnBuild: optionalTextList,
  Labels: textMap,
  StopSignal: text,
  /** Seconds from the stop signal to SIGKILL; -1 waits for ever. */
  StopTimeout: optionalInteger,
  Shell: optionalTextList,
};
export const ContainerConfigSchema = goObject(CONFIG);
export type ContainerConfig = GoObject<typeof CONFIG>;

const PortBindingSchema = goObject({ HostIp: text, HostPort: text });
export type PortBinding = z.infer<typeof PortBindingSchema>;

const restartPolicyName = z.enum(["", "no", "always", "unless-stopped", "on-failure"], {
  error: ({ input }) =>
    `invalid restart policy: unknown policy '${input}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
});

export const RestartPolicySchema = goObject({
  Name: field(restartPolicyName, ""),
  MaximumRetryCount: integer,
});
export type RestartPolicy = z.infer<typeof RestartPolicySchema>;

const weightDevices = listOf(goObject({ Path: text, Weight: integer }));
const throttleDevices = listOf(goObject({ Path: text, Rate: integer }));
export const UlimitSchema = goObject({ Name: text, Soft: integer, Hard: integer });
const DeviceRequestSchema = goObject({
  Driver: text,
  Count: integer,
  DeviceIDs: optionalTextList,
  Capabilities: optionalField(z.array(z.array(z.string()))),
  Options: textMap,
});

/** The part of HostConfig that `update` may change. Memory in bytes, CPU periods in microseconds, NanoCpus in 1e-9 CPUs. */
export const RESOURCES = {
  CpuShares: integer,
  Memory: integer,
  NanoCpus: integer,
  CgroupParent: text,
  BlkioWeight: integer,
  BlkioWeightDevice: weightDevices,
  BlkioDeviceReadBps: throttleDevices,
  BlkioDeviceWriteBps: throttleDevices,
  BlkioDeviceReadIOps: throttleDevices,
  BlkioDeviceWriteIOps: throttleDevices,
  CpuPeriod: integer,
  CpuQuota: integer,
  CpuRealtimePeriod: integer,
  CpuRealtimeRuntime: integer,
  CpusetCpus: text,
  CpusetMems: text,
  Devices: listOf(goObject({ PathOnHost: text, PathInContainer: text, CgroupPermissions: text })),
  DeviceCgroupRules: optionalTextList,
  DeviceRequests: optionalField(z.array(DeviceRequestSchema)),
  MemoryReservation: integer,
  /** Memory and swap together; -1 is no limit on swap, 0 twice the memory. */
  MemorySwap: integer,
  MemorySwappiness: optionalInteger,
  OomKillDisable: optionalFlag,
  /** 0, -1 or null: no limit. */
  PidsLimit: optionalInteger,
  Ulimits: listOf(UlimitSchema),
  CpuCount: integer,
  CpuPercent: integer,
  IOMaximumIOps: integer,
  IOMaximumBandwidth: integer,
};
export const ResourcesSchema = goObject(RESOURCES);
export type Resources = GoObject<typeof RESOURCES>;

const MountSchema = goObject({
  Type: field(z.enum(["bind", "volume", "tmpfs", "npipe", "cluster", "image"]), "volume"),
  Source: text,
  Target: text,
  ReadOnly: flag,
  Consistency: text,
  BindOptions: optionalField(
    goObject({
      Propagation: text,
      NonRecursive: flag,
      CreateMountpoint: flag,
      ReadOnlyNonRecursive: flag,
      ReadOnlyForceRecursive: flag,
    }),
  ),
  VolumeOptions: optionalField(
    goObject({
      NoCopy: flag,
      Labels: textMap,
      DriverConfig: optionalField(goObject({ Name: text, Options: textMap })),
      Subpath: text,
    }),
  ),
  ImageOptions: optionalField(goObject({ Subpath: text })),
  TmpfsOptions: optionalField(
    goObject({
      SizeBytes: integer,
      Mode: integer,
      Options: optionalField(z.array(z.array(z.string()).min(1).max(2))),
    }),
  ),
});
export type Mount = z.infer<typeof MountSchema>;

const HOST_CONFIG = {
  ...RESOURCES,
  /** `source:target[:options]`. */
  Binds: optionalTextList,
  ContainerIDFile: text,
  LogConfig: field(goObject({ Type: text, Config: textMap }), { Type: "", Config: {} }),
  /** `default`, `bridge`, `host`, `none`, `container:<id>` or a network's name or id. */
  NetworkMode: text,
  PortBindings: field(
    z
      .record(z.string(), z.array(PortBindingSchema).nullish())
      .transform(
        (value): Record<string, PortBinding[]> =>
          Object.fromEntries(Object.entries(value).map(([port, bindings]) => [port, bindings ?? []])),
      ),
    {},
  ),
  RestartPolicy: field(RestartPolicySchema, { Name: "", MaximumRetryCount: 0 }),
  AutoRemove: flag,
  VolumeDriver: text,
  VolumesFrom: optionalTextList,
  Mounts: listOf(MountSchema),
  /** Rows, columns. */
  ConsoleSize: field(terminalSize, [0, 0]),
  Annotations: textMap,
  CapAdd: optionalTextList,
  CapDrop: optionalTextList,
  CgroupnsMode: text,
  Dns: textList,
  DnsOptions: textList,
  DnsSearch: textList,
  ExtraHosts: optionalTextList,
  GroupAdd: optionalTextList,
  IpcMode: text,
  Cgroup: text,
  Links: optionalTextList,
  OomScoreAdj: integer,
  PidMode: text,
  Privileged: flag,
  PublishAllPorts: flag,
  ReadonlyRootfs: flag,
  SecurityOpt: optionalTextList,
  StorageOpt: textMap,
  /** Target path to mount options. */
  Tmpfs: textMap,
  UTSMode: text,
  UsernsMode: text,
  /** Bytes of /dev/shm; 0 is the default of 64 MiB. */
  ShmSize: integer,
  Sysctls: textMap,
  Runtime: text,
  Isolation: text,
  /** null: the defaults; an empty list: none. */
  MaskedPaths: optionalTextList,
  ReadonlyPaths: optionalTextList,
  Init: optionalFlag,
};
export const HostConfigSchema = goObject(HOST_CONFIG);
export type HostConfig = GoObject<typeof HOST_CONFIG>;

export const EndpointSettingsSchema = goObject({
  IPAMConfig: optionalField(goObject({ IPv4Address: text, IPv6Address: text, LinkLocalIPs: optionalTextList })),
  Links: optionalTextList,
  MacAddress: text,
  Aliases: optionalTextList,
  DriverOpts: optionalField(z.record(z.string(), z.string())),
  GwPriority: integer,
});
export type EndpointSettings = z.infer<typeof EndpointSettingsSchema>;

const NetworkingConfigSchema = goObject({
  EndpointsConfig: field(z.record(z.string(), EndpointSettingsSchema.nullish()), {}),
});

/** The body of `POST /containers/create`. */
export const CreateBodySchema = goObject({
  ...CONFIG,
  HostConfig: field(HostConfigSchema, HostConfigSchema.parse({})),
  NetworkingConfig: field(NetworkingConfigSchema, { EndpointsConfig: {} }),
});
export type CreateBody = z.infer<typeof CreateBodySchema>;

/** The body of `POST /containers/{id}/exec`. */
export const ExecConfigSchema = goObject({
  AttachStdin: flag,
  AttachStdout: flag,
  AttachStderr: flag,
  ConsoleSize: optionalField(terminalSize),
  DetachKeys: text,
  Tty: flag,
  Env: textList,
  Cmd: command,
  Privileged: flag,
  User: text,
  WorkingDir: text,
});
export type ExecConfig = z.infer<typeof ExecConfigSchema>;
