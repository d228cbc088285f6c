import { DEFAULT_READONLY_PATHS } from "../runtime/masked-paths.ts";
import type { ContainerConfig, Mount } from "./container-config.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";
import { linksDocument } from "./links.ts";

/**
 * A host configuration as Docker prints it: without what it leaves out when empty, and with the paths that are hidden and
 * protected where none were given.
 */
export function hostConfigDocument(parts: EngineParts, record: ContainerRecord) {
  const { Mounts, Annotations, StorageOpt, Tmpfs, Sysctls, Init, ...rest } = record.hostConfig;
  const { Privileged: unconfined, MaskedPaths: masked, ReadonlyPaths: readonly } = rest;
  return {
    ...rest,
    Links: linksDocument(parts, record),
    MaskedPaths: masked ?? (unconfined ? null : [...parts.host.maskedPaths]),
    ReadonlyPaths: readonly ?? (unconfined ? null : [...DEFAULT_READONLY_PATHS]),
    ...withoutEmpty({ Annotations, StorageOpt, Tmpfs, Sysctls }),
    ...(Mounts.length > 0 ? { Mounts: Mounts.map(mountDocument) } : {}),
    ...(Init === null ? {} : { Init }),
  };
}

/** Options that were given stay, also when they say nothing. */
function mountDocument({ BindOptions, VolumeOptions, ImageOptions, TmpfsOptions, ...mount }: Mount) {
  return {
    ...withoutEmpty(mount),
    ...(BindOptions ? { BindOptions: withoutEmpty(BindOptions) } : {}),
    ...(VolumeOptions ? { VolumeOptions: volumeOptionsDocument(VolumeOptions) } : {}),
    ...(ImageOptions ? { ImageOptions: withoutEmpty(ImageOptions) } : {}),
    ...(TmpfsOptions ? { TmpfsOptions: withoutEmpty(TmpfsOptions) } : {}),
  };
}

function volumeOptionsDocument({ DriverConfig, ...options }: NonNullable<Mount["VolumeOptions"]>) {
  return { ...withoutEmpty(options), ...(DriverConfig ? { DriverConfig: withoutEmpty(DriverConfig) } : {}) };
}

/** As Go's encoder leaves out fields marked `omitempty`. */
function withoutEmpty<T extends object>(object: T): Partial<T> {
  const entries = Object.entries(object).filter(([, value]) => !isEmpty(value));
  return Object.fromEntries(entries) as Partial<T>;
}

function isEmpty(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length === 0;
  return value === null || value === undefined || value === "" || value === 0 || value === false;
}

/** A configuration as Docker prints it: what it leaves out when empty is left out. */
export function configDocument(config: ContainerConfig) {
  const {
    Volumes,
    ExposedPorts,
    ArgsEscaped,
    Healthcheck,
    NetworkDisabled,
    MacAddress,
    StopSignal,
    StopTimeout,
    Shell,
    ...rest
  } = config;
  return {
    ...rest,
    Volumes: Object.keys(Volumes).length > 0 ? Volumes : null,
    ...(Object.keys(ExposedPorts).length > 0 ? { ExposedPorts } : {}),
    ...(ArgsEscaped ? { ArgsEscaped } : {}),
    ...(Healthcheck ? { Healthcheck: withoutEmpty(Healthcheck) } : {}),
    ...(NetworkDisabled ? { NetworkDisabled } : {}),
    ...(MacAddress ? { MacAddress } : {}),
    ...(StopSignal ? { StopSignal } : {}),
    ...(StopTimeout === null ? {} : { StopTimeout }),
    ...(Shell ? { Shell } : {}),
  };
}
