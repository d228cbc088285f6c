import { posix } from "node:path";
import { fail } from "../base/errors.ts";
import { isAtLeast, type KernelVersion } from "./host.ts";
import type { NamespaceModes } from "./namespaces.ts";
import type { Mount } from "./oci-spec.ts";
import { tmpfsMountOptions } from "./tmpfs-options.ts";

export const PROPAGATIONS = ["private", "rprivate", "shared", "rshared", "slave", "rslave"] as const;
export type Propagation = (typeof PROPAGATIONS)[number];

/** Something of the host at a place in the container: a bind, a volume, a file that Lighter keeps. */
export interface BindMount {
  readonly kind: "bind";
  readonly source: string;
  readonly target: string;
  readonly readonly: boolean;
  /** null leaves it as the kernel makes it, which is what Docker does for volumes. */
  readonly propagation: Propagation | null;
  /** Without the mounts below the source. */
  readonly nonRecursive?: boolean;
  /** Read-only, but for the mounts below the source. */
  readonly readonlyNonRecursive?: boolean;
  /** Only what is at this path of the source; links in it lead nowhere but inside the source. */
  readonly subpath?: string;
}

export interface TmpfsMount {
  readonly kind: "tmpfs";
  readonly target: string;
  /** As `--tmpfs` takes them: `size=64m,exec`. */
  readonly options: string;
}

/** A file system that is made for the mount alone, as mount(8) would on the host: nfs, cifs, a disk, layers. */
export interface FilesystemMount {
  readonly kind: "filesystem";
  readonly type: string;
  /** The device; of an overlay the directory that its layers are named relative to. */
  readonly source: string;
  readonly target: string;
  readonly options: readonly string[];
  readonly readonly: boolean;
  readonly subpath?: string;
}

export type ContainerMount = BindMount | TmpfsMount | FilesystemMount;

/** The files that Lighter writes for a container, by their paths on the host. */
export interface EtcFiles {
  readonly hosts: string;
  readonly hostname: string;
  readonly resolvConf: string;
}

export interface MountSettings {
  readonly mounts: readonly ContainerMount[];
  readonly etcFiles: EtcFiles | null;
  /** Bytes of /dev/shm. */
  readonly shmSize: number;
  readonly privileged: boolean;
  readonly readonlyRootfs: boolean;
  readonly namespaces: NamespaceModes;
  /** mount_setattr(2) with AT_RECURSIVE, kernel 5.12: read-only reaches the mounts below a bind. */
  readonly recursiveReadonly: boolean;
}

export const DEFAULT_SHM_SIZE = 64 * 1024 * 1024;

/**
 * All mounts of a container in the order in which they are made: the kernel's file systems, then everything else by
 * depth, so that a mount inside of another comes later. One at the place of a default replaces it.
 * @throws invalid `INVALID_MOUNT`, `INVALID_TMPFS_OPTION`, `DUPLICATE_MOUNT`
 */
export function containerMounts(settings: MountSettings): Mount[] {
  const requested = settings.mounts.map((mount) => ({ ...mount, target: cleanTarget(mount.target) }));
  const targets = new Set<string>();
  for (const { target } of requested) {
    if (targets.has(target)) fail("invalid", "DUPLICATE_MOUNT", `Duplicate mount point: ${target}`);
    targets.add(target);
  }
  const own = [...sharedMemory(settings), ...etcMounts(settings)].filter((mount) => !targets.has(mount.target));
  const added = [...requested, ...own];
  const replaced = new Set(added.map((mount) => mount.target));
  return [
    ...defaultMounts(settings).filter(({ destination }) => !isReplaced(destination, replaced)),
    ...added
      .map((mount) => ({ mount, depth: mount.target.split("/").length }))
      .sort((a, b) => a.depth - b.depth)
      .map(({ mount }) => ociMount(mount, settings.recursiveReadonly)),
  ];
}

function cleanTarget(target: string): string {
  if (!target.startsWith("/") || target.includes("\0")) {
    fail("invalid", "INVALID_MOUNT", `invalid mount path: '${target}' mount path must be absolute`);
  }
  const clean = posix.normalize(target).replace(/(?<=.)\/$/, "");
  if (clean === "/") fail("invalid", "INVALID_MOUNT", "invalid specification: destination can't be '/'");
  return clean;
}

function isReplaced(destination: string, targets: ReadonlySet<string>): boolean {
  return targets.has(destination) || (targets.has("/dev") && destination.startsWith("/dev/"));
}

function defaultMounts({ privileged, shmSize, namespaces }: MountSettings): Mount[] {
  const readonly = privileged ? [] : ["ro"];
  return [
    { destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] },
    {
      destination: "/dev",
      type: "tmpfs",
      source: "tmpfs",
      options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    {
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
    },
    { destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", ...readonly] },
    {
      destination: "/sys/fs/cgroup",
      type: "cgroup",
      source: "cgroup",
      options: [...readonly, "nosuid", "noexec", "nodev"],
    },
    { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"] },
    ...(namespaces.ipc === "none" ? [] : [privateSharedMemory(shmSize || DEFAULT_SHM_SIZE)]),
  ];
}

function privateSharedMemory(sizeBytes: number): Mount {
  return {
    destination: "/dev/shm",
    type: "tmpfs",
    source: "shm",
    options: ["nosuid", "noexec", "nodev", "mode=1777", `size=${sizeBytes}`],
  };
}

/** Who shares an IPC namespace shares the POSIX shared memory in it, which is files: shm_overview(7). */
function sharedMemory({ namespaces: { ipc } }: MountSettings): BindMount[] {
  if (ipc === "private" || ipc === "none") return [];
  const source = ipc === "host" ? "/dev/shm" : `/proc/${ipc.pid}/root/dev/shm`;
  return [{ kind: "bind", source, target: "/dev/shm", readonly: false, propagation: "rprivate" }];
}

function etcMounts({ etcFiles, readonlyRootfs }: MountSettings): BindMount[] {
  if (!etcFiles) return [];
  const bind = (source: string, target: string): BindMount => ({
    kind: "bind",
    source,
    target,
    readonly: readonlyRootfs,
    readonlyNonRecursive: true,
    propagation: "rprivate",
  });
  return [
    bind(etcFiles.resolvConf, "/etc/resolv.conf"),
    bind(etcFiles.hostname, "/etc/hostname"),
    bind(etcFiles.hosts, "/etc/hosts"),
  ];
}

function ociMount(mount: ContainerMount, recursiveReadonly: boolean): Mount {
  if (mount.kind === "tmpfs") {
    return {
      destination: mount.target,
      type: "tmpfs",
      source: "tmpfs",
      options: tmpfsMountOptions(mount.options),
    };
  }
  const part = mount.subpath ? { subpath: mount.subpath } : {};
  if (mount.kind === "filesystem") {
    const { type, source } = mount;
    const options = mount.readonly ? [...mount.options, "ro"] : mount.options;
    return { destination: mount.target, type, source, options, ofHost: true, ...part };
  }
  if (!mount.source.startsWith("/") || mount.source.includes("\0")) {
    fail(
      "invalid",
      "INVALID_MOUNT",
      `invalid mount config for type "bind": invalid mount path: '${mount.source}' mount path must be absolute`,
    );
  }
  const options = [mount.nonRecursive ? "bind" : "rbind"];
  if (mount.readonly) options.push(recursiveReadonly && !mount.readonlyNonRecursive ? "rro" : "ro");
  if (mount.propagation) options.push(mount.propagation);
  return { destination: mount.target, type: "bind", source: mount.source, options, ...part };
}

/**
 * The layers of an image, to be read, as a mount.
 * @param lower directories relative to `directory`, the topmost first.
 */
export function layersMount(
  directory: string,
  lower: readonly string[],
  place: { readonly target: string; readonly subpath: string },
  kernel: KernelVersion,
): BindMount | FilesystemMount {
  const [only] = lower;
  if (only !== undefined && lower.length === 1) {
    return { kind: "bind", source: posix.join(directory, only), ...place, readonly: true, propagation: "rprivate" };
  }
  const mount = { kind: "filesystem", ...place, readonly: true } as const;
  if (only === undefined) return { ...mount, type: "tmpfs", source: "tmpfs", options: ["mode=755"] };
  // One layer at a time from 6.8 on; before, all in one option, which the kernel ends at 256 bytes: some forty layers.
  const layers = isAtLeast(kernel, 6, 8) ? lower.map((layer) => `lowerdir+=${layer}`) : [`lowerdir=${lower.join(":")}`];
  return { ...mount, type: "overlay", source: directory, options: ["redirect_dir=off", "metacopy=off", ...layers] };
}

/**
 * How the container's root has to receive mounts, so that binds that ask for it see later mounts of the host.
 * Private where nothing asks.
 */
export function rootPropagation(mounts: readonly ContainerMount[]): "shared" | "rslave" | "rprivate" {
  const asked = new Set(mounts.map((mount) => (mount.kind === "bind" ? mount.propagation : null)));
  if (asked.has("shared") || asked.has("rshared")) return "shared";
  if (asked.has("slave") || asked.has("rslave")) return "rslave";
  return "rprivate";
}
