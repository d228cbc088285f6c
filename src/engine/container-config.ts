import { z } from "zod";

/**
 * What a client asks of a container, in the Engine API's own field names and units, because `inspect` must return what
 * `create` was told. Go's JSON rules hold: `null` or a missing field is the type's zero value, unknown fields are dropped.
 */

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? "");
const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);
const integer = z
  .int()
  .nullish()
  .transform((value) => value ?? 0);
const optionalFlag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? null);
const optionalInteger = z
  .int()
  .nullish()
  .transform((value) => value ?? null);
const textList = z
  .array(z.string())
  .nullish()
  .transform((value) => value ?? []);
const optionalTextList = z
  .array(z.string())
  .nullish()
  .transform((value) => value ?? null);
/** Docker's clients have sent a command as one string since 1.0; it means a list of one. */
const command = z
  .union([z.string().transform((word) => [word]), z.array(z.string())])
  .nullish()
  .transform((value) => value ?? null);
const textMap = z
  .record(z.string(), z.string())
  .nullish()
  .transform((value) => value ?? {});
const set = z
  .record(z.string(), z.looseObject({}).nullish())
  .nullish()
  .transform(
    (value): Record<string, Record<string, never>> =>
      Object.fromEntries(Object.keys(value ?? {}).map((key) => [key, {}])),
  );

/** Times in nanoseconds; zero means "inherit" in an image and "default" in a container. */
export const HealthcheckSchema = z.object({
  Test: optionalTextList,
  Interval: integer,
  Timeout: integer,
  StartPeriod: integer,
  StartInterval: integer,
  Retries: integer,
});
export type Healthcheck = z.infer<typeof HealthcheckSchema>;

export const ContainerConfigSchema = z.object({
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
  Healthcheck: HealthcheckSchema.nullish().transform((value) => value ?? null),
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
});
export type ContainerConfig = z.infer<typeof ContainerConfigSchema>;

export const PortBindingSchema = z.object({ HostIp: text, HostPort: text });
export type PortBinding = z.infer<typeof PortBindingSchema>;

export const RestartPolicySchema = z.object({
  Name: z
    .enum(["", "no", "always", "unless-stopped", "on-failure"])
    .nullish()
    .transform((value) => value ?? ""),
  MaximumRetryCount: integer,
});
export type RestartPolicy = z.infer<typeof RestartPolicySchema>;

const WeightDeviceSchema = z.object({ Path: text, Weight: integer });
const ThrottleDeviceSchema = z.object({ Path: text, Rate: integer });
export const DeviceMappingSchema = z.object({ PathOnHost: text, PathInContainer: text, CgroupPermissions: text });
export const UlimitSchema = z.object({ Name: text, Soft: integer, Hard: integer });
export const DeviceRequestSchema = z.object({
  Driver: text,
  Count: integer,
  DeviceIDs: optionalTextList,
  Capabilities: z
    .array(z.array(z.string()))
    .nullish()
    .transform((value) => value ?? null),
  Options: textMap,
});

/** The part of HostConfig that `update` may change. Memory in bytes, CPU periods in microseconds, NanoCpus in 1e-9 CPUs. */
export const ResourcesSchema = z.object({
  CpuShares: integer,
  Memory: integer,
  NanoCpus: integer,
  CgroupParent: text,
  BlkioWeight: integer,
  BlkioWeightDevice: z
    .array(WeightDeviceSchema)
    .nullish()
    .transform((value) => value ?? []),
  BlkioDeviceReadBps: z
    .array(ThrottleDeviceSchema)
    .nullish()
    .transform((value) => value ?? []),
  BlkioDeviceWriteBps: z
    .array(ThrottleDeviceSchema)
    .nullish()
    .transform((value) => value ?? []),
  BlkioDeviceReadIOps: z
    .array(ThrottleDeviceSchema)
    .nullish()
    .transform((value) => value ?? []),
  BlkioDeviceWriteIOps: z
    .array(ThrottleDeviceSchema)
    .nullish()
    .transform((value) => value ?? []),
  CpuPeriod: integer,
  CpuQuota: integer,
  CpuRealtimePeriod: integer,
  CpuRealtimeRuntime: integer,
  CpusetCpus: text,
  CpusetMems: text,
  Devices: z
    .array(DeviceMappingSchema)
    .nullish()
    .transform((value) => value ?? []),
  DeviceCgroupRules: optionalTextList,
  DeviceRequests: z
    .array(DeviceRequestSchema)
    .nullish()
    .transform((value) => value ?? null),
  MemoryReservation: integer,
  /** Memory and swap together; -1 is no limit on swap, 0 twice the memory. */
  MemorySwap: integer,
  MemorySwappiness: optionalInteger,
  OomKillDisable: optionalFlag,
  /** 0, -1 or null: no limit. */
  PidsLimit: optionalInteger,
  Ulimits: z
    .array(UlimitSchema)
    .nullish()
    .transform((value) => value ?? []),
  CpuCount: integer,
  CpuPercent: integer,
  IOMaximumIOps: integer,
  IOMaximumBandwidth: integer,
});
export type Resources = z.infer<typeof ResourcesSchema>;

export const MountSchema = z.object({
  Type: z.enum(["bind", "volume", "tmpfs", "npipe", "cluster", "image"]),
  Source: text,
  Target: text,
  ReadOnly: flag,
  Consistency: text,
  BindOptions: z
    .object({
      Propagation: text,
      NonRecursive: flag,
      CreateMountpoint: flag,
      ReadOnlyNonRecursive: flag,
      ReadOnlyForceRecursive: flag,
    })
    .nullish(),
  VolumeOptions: z
    .object({
      NoCopy: flag,
      Labels: textMap,
      DriverConfig: z.object({ Name: text, Options: textMap }).nullish(),
      Subpath: text,
    })
    .nullish(),
  ImageOptions: z.object({ Subpath: text }).nullish(),
  TmpfsOptions: z
    .object({
      SizeBytes: integer,
      Mode: integer,
      Options: z.array(z.array(z.string()).min(1).max(2)).nullish(),
    })
    .nullish(),
});
export type Mount = z.infer<typeof MountSchema>;

export const HostConfigSchema = ResourcesSchema.extend({
  /** `source:target[:options]`. */
  Binds: optionalTextList,
  ContainerIDFile: text,
  LogConfig: z
    .object({ Type: text, Config: textMap })
    .nullish()
    .transform((value) => value ?? { Type: "", Config: {} }),
  /** `default`, `bridge`, `host`, `none`, `container:<id>` or a network's name or id. */
  NetworkMode: text,
  PortBindings: z
    .record(z.string(), z.array(PortBindingSchema).nullish())
    .nullish()
    .transform(
      (value): Record<string, PortBinding[]> =>
        Object.fromEntries(Object.entries(value ?? {}).map(([port, bindings]) => [port, bindings ?? []])),
    ),
  RestartPolicy: RestartPolicySchema.nullish().transform(
    (value) => value ?? { Name: "" as const, MaximumRetryCount: 0 },
  ),
  AutoRemove: flag,
  VolumeDriver: text,
  VolumesFrom: optionalTextList,
  Mounts: z
    .array(MountSchema)
    .nullish()
    .transform((value) => value ?? []),
  /** Rows, columns. */
  ConsoleSize: z
    .array(z.int())
    .length(2)
    .nullish()
    .transform((value) => value ?? [0, 0]),
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
});
export type HostConfig = z.infer<typeof HostConfigSchema>;

export const EndpointSettingsSchema = z.object({
  IPAMConfig: z
    .object({ IPv4Address: text, IPv6Address: text, LinkLocalIPs: optionalTextList })
    .nullish()
    .transform((value) => value ?? null),
  Links: optionalTextList,
  MacAddress: text,
  Aliases: optionalTextList,
  DriverOpts: z
    .record(z.string(), z.string())
    .nullish()
    .transform((value) => value ?? null),
  GwPriority: integer,
});
export type EndpointSettings = z.infer<typeof EndpointSettingsSchema>;

export const NetworkingConfigSchema = z.object({
  EndpointsConfig: z
    .record(z.string(), EndpointSettingsSchema.nullish())
    .nullish()
    .transform((value) => value ?? {}),
});
export type NetworkingConfig = z.infer<typeof NetworkingConfigSchema>;

/** The body of `POST /containers/create`. */
export const CreateBodySchema = ContainerConfigSchema.extend({
  HostConfig: HostConfigSchema.nullish().transform((value) => value ?? HostConfigSchema.parse({})),
  NetworkingConfig: NetworkingConfigSchema.nullish().transform((value) => value ?? { EndpointsConfig: {} }),
});
export type CreateBody = z.infer<typeof CreateBodySchema>;

/** The body of `POST /containers/{id}/exec`. */
export const ExecConfigSchema = z.object({
  AttachStdin: flag,
  AttachStdout: flag,
  AttachStderr: flag,
  ConsoleSize: z
    .array(z.int())
    .length(2)
    .nullish()
    .transform((value) => value ?? null),
  DetachKeys: text,
  Tty: flag,
  Env: textList,
  Cmd: command,
  Privileged: flag,
  User: text,
  WorkingDir: text,
});
export type ExecConfig = z.infer<typeof ExecConfigSchema>;
