import { existsSync } from "node:fs";
import { posix } from "node:path";
import { fail } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import { parseVolumeName } from "./create-volume.ts";
import type { BindPoint, ImagePoint, MountPoint, TmpfsPoint, VolumePoint } from "./mount-point.ts";

/** One of HostConfig.Mounts, in the Engine API's names. */
export interface MountConfig {
  readonly Type: string;
  readonly Source: string;
  readonly Target: string;
  readonly ReadOnly: boolean;
  readonly BindOptions?: {
    readonly Propagation: string;
    readonly NonRecursive: boolean;
    readonly CreateMountpoint: boolean;
    readonly ReadOnlyNonRecursive: boolean;
    readonly ReadOnlyForceRecursive: boolean;
  } | null;
  readonly VolumeOptions?: {
    readonly NoCopy: boolean;
    readonly Labels: Readonly<Record<string, string>>;
    readonly DriverConfig?: { readonly Name: string; readonly Options: Readonly<Record<string, string>> } | null;
    readonly Subpath: string;
  } | null;
  readonly ImageOptions?: { readonly Subpath: string } | null;
  readonly TmpfsOptions?: {
    readonly SizeBytes: number;
    readonly Mode: number;
    readonly Options?: readonly (readonly string[])[] | null;
  } | null;
}

const PROPAGATIONS = ["private", "rprivate", "slave", "rslave", "shared", "rshared"];

/**
 * What a `--mount` asks for.
 * @throws invalid `INVALID_MOUNT` in Docker's words.
 */
export function parseMount(mount: MountConfig, volumePath: (name: string) => string): MountPoint {
  const refuse = (reason: string): never =>
    fail("invalid", "INVALID_MOUNT", `invalid mount config for type "${mount.Type}": ${reason}`);
  if (mount.Target === "") refuse("field Target must not be empty");
  const destination = assertTarget(mount.Target, refuse);
  switch (mount.Type) {
    case "bind":
      return parseBindMount(mount, destination, refuse);
    case "volume":
      return parseVolumeMount(mount, destination, refuse, volumePath);
    case "tmpfs":
      return parseTmpfsMount(mount, destination, refuse);
    case "image":
      return parseImageMount(mount, destination, refuse);
    default:
      return refuse("mount type unknown");
  }
}

type Refuse = (reason: string) => never;

/** @returns the target in its one normal form. */
export function assertTarget(target: string, refuse: Refuse): string {
  const clean = cleanPath(target);
  if (clean === "/") refuse("invalid specification: destination can't be '/'");
  assertAbsolute(target, refuse);
  return clean;
}

/** Without `.`, `..`, doubled and trailing slashes. */
export function cleanPath(path: string): string {
  return posix.normalize(path).replace(/(?<=.)\/$/, "");
}

export function assertAbsolute(path: string, refuse: Refuse): void {
  // A byte of zero ends the path for the kernel, which would then mount somewhere else.
  if (!path.startsWith("/") || path.includes("\0")) refuse(`invalid mount path: '${path}' mount path must be absolute`);
}

/** Fields that are left out have the value that inspect shows for "nothing asked for". */
export function bindPoint(bind: {
  readonly source: string;
  readonly destination: string;
  readonly mode?: string;
  readonly readonly: boolean;
  readonly propagation: string;
  readonly createSource: boolean;
  readonly nonRecursive?: boolean;
  readonly readonlyNonRecursive?: boolean;
}): BindPoint {
  return {
    Type: "bind",
    Name: "",
    Source: cleanPath(bind.source),
    Destination: bind.destination,
    Driver: "",
    Mode: bind.mode ?? "",
    RW: !bind.readonly,
    Propagation: bind.propagation || "rprivate",
    createSource: bind.createSource,
    nonRecursive: bind.nonRecursive ?? false,
    readonlyNonRecursive: bind.readonlyNonRecursive ?? false,
  };
}

/** @param volume an empty name makes it an anonymous one. @throws invalid `INVALID_VOLUME_NAME` */
export function volumePoint(
  volume: {
    readonly name: string;
    readonly destination: string;
    readonly mode: string;
    readonly readonly: boolean;
    readonly copy: boolean;
    readonly driver: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly driverOptions?: Readonly<Record<string, string>>;
    readonly subpath?: string;
  },
  volumePath: (name: string) => string,
): VolumePoint {
  const name = volume.name === "" ? newId() : parseVolumeName(volume.name);
  return {
    Type: "volume",
    Name: name,
    Source: volumePath(name),
    Destination: volume.destination,
    Driver: volume.driver || "local",
    Mode: volume.mode || "z",
    RW: !volume.readonly,
    Propagation: "",
    anonymous: volume.name === "",
    copy: volume.copy,
    labels: volume.labels ?? {},
    driverOptions: volume.driverOptions ?? {},
    subpath: volume.subpath ?? "",
  };
}

function parseBindMount(mount: MountConfig, destination: string, refuse: Refuse): BindPoint {
  const { Source: source, ReadOnly: readonly, BindOptions: options } = mount;
  if (source === "") refuse("field Source must not be empty");
  const propagation = options?.Propagation ?? "";
  if (propagation !== "" && !PROPAGATIONS.includes(propagation)) refuse(`invalid propagation mode: ${propagation}`);
  refuseOptions(mount, ["VolumeOptions", "ImageOptions", "TmpfsOptions"], refuse);
  assertAbsolute(source, refuse);
  const createSource = options?.CreateMountpoint ?? false;
  if (!createSource && !existsSync(source)) refuse(`bind source path does not exist: ${source}`);
  const readonlyNonRecursive = options?.ReadOnlyNonRecursive ?? false;
  const readonlyForced = options?.ReadOnlyForceRecursive ?? false;
  if ((readonlyNonRecursive || readonlyForced) && !readonly) {
    refuse("ReadOnlyNonRecursive and ReadOnlyForceRecursive are for a mount that is ReadOnly");
  }
  if (readonlyNonRecursive && readonlyForced)
    refuse("ReadOnlyNonRecursive and ReadOnlyForceRecursive exclude each other");
  const nonRecursive = options?.NonRecursive ?? false;
  return bindPoint({ source, destination, readonly, propagation, createSource, nonRecursive, readonlyNonRecursive });
}

function parseVolumeMount(
  mount: MountConfig,
  destination: string,
  refuse: Refuse,
  volumePath: (name: string) => string,
): VolumePoint {
  const { Source: name, ReadOnly: readonly, VolumeOptions: options } = mount;
  refuseOptions(mount, ["BindOptions", "ImageOptions", "TmpfsOptions"], refuse);
  if (name === "" && readonly) refuse("must not set ReadOnly mode when using anonymous volumes");
  return volumePoint(
    {
      name,
      destination,
      mode: "",
      readonly,
      copy: !options?.NoCopy,
      driver: options?.DriverConfig?.Name ?? "",
      labels: options?.Labels ?? {},
      driverOptions: options?.DriverConfig?.Options ?? {},
      subpath: parseSubpath(options?.Subpath ?? "", "volume", refuse),
    },
    volumePath,
  );
}

function parseImageMount(mount: MountConfig, destination: string, refuse: Refuse): ImagePoint {
  if (mount.Source === "") refuse("field Source must not be empty");
  refuseOptions(mount, ["BindOptions", "VolumeOptions", "TmpfsOptions"], refuse);
  return {
    Type: "image",
    Name: mount.Source,
    Source: "",
    Destination: destination,
    Driver: "",
    Mode: "",
    RW: false,
    Propagation: "",
    subpath: parseSubpath(mount.ImageOptions?.Subpath ?? "", "image", refuse),
    chainId: null,
    snapshot: null,
  };
}

/** What it leads to is the kernel's to say when it is mounted; this only refuses what cannot be meant. */
function parseSubpath(subpath: string, holder: "volume" | "image", refuse: Refuse): string {
  if (subpath === "") return "";
  const clean = posix.normalize(subpath);
  if (clean.startsWith("/") || clean === ".." || clean.startsWith("../") || clean.includes("\0")) {
    refuse(`subpath must be a relative path within the ${holder}`);
  }
  return cleanPath(clean);
}

type Options = "BindOptions" | "VolumeOptions" | "ImageOptions" | "TmpfsOptions";

function refuseOptions(mount: MountConfig, kinds: readonly Options[], refuse: Refuse): void {
  for (const kind of kinds) if (mount[kind]) refuse(`field ${kind} must not be specified`);
}

function parseTmpfsMount(mount: MountConfig, destination: string, refuse: Refuse): TmpfsPoint {
  if (mount.Source !== "") refuse("field Source must not be specified");
  refuseOptions(mount, ["BindOptions", "VolumeOptions", "ImageOptions"], refuse);
  const { SizeBytes: sizeBytes = 0, Mode: permissions = 0, Options: options } = mount.TmpfsOptions ?? {};
  if (sizeBytes < 0) refuse("size must not be negative");
  if (permissions < 0 || permissions > 0o7777) refuse("mode must be between 0 and 07777");
  return {
    Type: "tmpfs",
    Name: "",
    Source: "",
    Destination: destination,
    Driver: "",
    Mode: "",
    RW: !mount.ReadOnly,
    Propagation: "",
    sizeBytes,
    permissions,
    options: options ?? [],
  };
}
