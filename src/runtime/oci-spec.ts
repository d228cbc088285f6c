/**
 * The part of the OCI runtime specification (1.2) that Lighter writes, in the specification's own names. A {@link Spec} is
 * plain JSON and means the same to our shim and to `runc`. Two additions, marked as such, are resolved by the shim.
 */

export const OCI_VERSION = "1.2.1";

export interface Spec {
  readonly ociVersion: string;
  readonly process: Process;
  readonly root: Root;
  readonly hostname?: string;
  readonly domainname?: string;
  /** In the order in which they are mounted. */
  readonly mounts: readonly Mount[];
  readonly hooks?: Hooks;
  readonly linux: Linux;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Process {
  readonly terminal?: boolean;
  readonly consoleSize?: { readonly height: number; readonly width: number };
  readonly user: User;
  readonly args: readonly string[];
  /** `NAME=value`, names unique. */
  readonly env: readonly string[];
  readonly cwd: string;
  readonly capabilities?: Capabilities;
  readonly rlimits?: readonly Rlimit[];
  readonly noNewPrivileges?: boolean;
  readonly apparmorProfile?: string;
  readonly selinuxLabel?: string;
  readonly oomScoreAdj?: number;
}

export interface User {
  readonly uid: number;
  readonly gid: number;
  readonly umask?: number;
  readonly additionalGids?: readonly number[];
  /**
   * Lighter's addition: `user[:group]` by name or number as Docker's `--user` takes it, "" for root. When present the shim
   * resolves it against the container's own /etc/passwd and /etc/group, replaces uid, gid and additionalGids, and sets
   * HOME where `env` has none.
   */
  readonly userName?: string;
  /** Lighter's addition: groups by name or number as `--group-add` takes them, resolved with `userName`. */
  readonly additionalGroupNames?: readonly string[];
}

/** `CAP_…` names, in the order of their numbers. */
export interface Capabilities {
  readonly bounding: readonly string[];
  readonly effective: readonly string[];
  readonly inheritable: readonly string[];
  readonly permitted: readonly string[];
  readonly ambient: readonly string[];
}

export interface Rlimit {
  /** `RLIMIT_NOFILE` and the like. */
  readonly type: string;
  /** RLIM_INFINITY is -1: JSON numbers do not hold 2^64-1. */
  readonly soft: number;
  readonly hard: number;
}

export interface Root {
  readonly path: string;
  readonly readonly: boolean;
}

export interface Mount {
  readonly destination: string;
  /** A file system's name; "bind" for a bind mount. */
  readonly type: string;
  readonly source: string;
  /** As mount(8) and the specification's table name them; what is no flag is data for the file system. */
  readonly options: readonly string[];
  /** Lighter's own: only what is at this path of the source, links in it followed inside the source alone. */
  readonly subpath?: string;
  /**
   * Lighter's own: the file system is made in the host's namespaces, not in the container's. An overlay's layers are named
   * relative to `source`.
   */
  readonly ofHost?: boolean;
}

export interface Hook {
  readonly path: string;
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  /** Seconds. */
  readonly timeout?: number;
}

export interface Hooks {
  readonly prestart?: readonly Hook[];
  readonly createRuntime?: readonly Hook[];
  readonly createContainer?: readonly Hook[];
  readonly startContainer?: readonly Hook[];
  readonly poststart?: readonly Hook[];
  readonly poststop?: readonly Hook[];
}

export interface Linux {
  /** A kind that is not listed is shared with the host. */
  readonly namespaces: readonly Namespace[];
  readonly uidMappings?: readonly IdMapping[];
  readonly gidMappings?: readonly IdMapping[];
  readonly devices: readonly Device[];
  readonly cgroupsPath: string;
  readonly resources: Resources;
  readonly sysctl?: Readonly<Record<string, string>>;
  readonly seccomp?: Seccomp;
  readonly rootfsPropagation?: "private" | "rprivate" | "slave" | "rslave" | "shared" | "rshared" | "unbindable";
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
  readonly mountLabel?: string;
}

export type NamespaceType = "pid" | "network" | "mount" | "ipc" | "uts" | "user" | "cgroup" | "time";

export interface Namespace {
  readonly type: NamespaceType;
  /** An existing namespace to join, `/proc/<pid>/ns/<kind>`; a new one without it. */
  readonly path?: string;
}

export interface IdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

/** A node that the runtime makes: block, character, unbuffered character (made as `c`), or pipe. */
export interface Device {
  readonly path: string;
  readonly type: "b" | "c" | "u" | "p";
  readonly major: number;
  readonly minor: number;
  /** Permission bits alone. */
  readonly fileMode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** One line of the device cgroup; the last that matches decides. No number means every number. */
export interface DeviceRule {
  readonly allow: boolean;
  readonly type: "a" | "b" | "c";
  readonly major?: number;
  readonly minor?: number;
  /** Some of `rwm`. */
  readonly access: string;
}

export interface Resources {
  readonly devices?: readonly DeviceRule[];
  readonly memory?: MemoryResources;
  readonly cpu?: CpuResources;
  readonly pids?: { readonly limit: number };
  readonly blockIO?: BlockIOResources;
  /** Files of the v2 hierarchy by name, written as they are. */
  readonly unified?: Readonly<Record<string, string>>;
}

/** Bytes; -1 is no limit; absent is left as the kernel made it. */
export interface MemoryResources {
  readonly limit?: number;
  readonly reservation?: number;
  /** Memory and swap together. */
  readonly swap?: number;
  /** Percent. */
  readonly swappiness?: number;
  readonly disableOOMKiller?: boolean;
}

/** Periods, quotas and runtimes in microseconds. */
export interface CpuResources {
  readonly shares?: number;
  readonly quota?: number;
  readonly period?: number;
  readonly realtimeRuntime?: number;
  readonly realtimePeriod?: number;
  /** Lists and ranges: `0-3,7`. */
  readonly cpus?: string;
  readonly mems?: string;
}

export interface WeightDevice {
  readonly major: number;
  readonly minor: number;
  readonly weight: number;
}

/** Bytes or operations in a second. */
export interface ThrottleDevice {
  readonly major: number;
  readonly minor: number;
  readonly rate: number;
}

export interface BlockIOResources {
  /** 10 to 1000. */
  readonly weight?: number;
  readonly weightDevice?: readonly WeightDevice[];
  readonly throttleReadBpsDevice?: readonly ThrottleDevice[];
  readonly throttleWriteBpsDevice?: readonly ThrottleDevice[];
  readonly throttleReadIOPSDevice?: readonly ThrottleDevice[];
  readonly throttleWriteIOPSDevice?: readonly ThrottleDevice[];
}

export type SeccompAction =
  | "SCMP_ACT_KILL"
  | "SCMP_ACT_KILL_PROCESS"
  | "SCMP_ACT_KILL_THREAD"
  | "SCMP_ACT_TRAP"
  | "SCMP_ACT_ERRNO"
  | "SCMP_ACT_TRACE"
  | "SCMP_ACT_ALLOW"
  | "SCMP_ACT_LOG"
  | "SCMP_ACT_NOTIFY";

export type SeccompOperator =
  | "SCMP_CMP_NE"
  | "SCMP_CMP_LT"
  | "SCMP_CMP_LE"
  | "SCMP_CMP_EQ"
  | "SCMP_CMP_GE"
  | "SCMP_CMP_GT"
  | "SCMP_CMP_MASKED_EQ";

export interface Seccomp {
  readonly defaultAction: SeccompAction;
  readonly defaultErrnoRet?: number;
  /** `SCMP_ARCH_…`, the native one first. */
  readonly architectures: readonly string[];
  readonly flags?: readonly string[];
  readonly syscalls: readonly SeccompRule[];
}

export interface SeccompRule {
  readonly names: readonly string[];
  readonly action: SeccompAction;
  /** For ERRNO and TRACE; EPERM without it. */
  readonly errnoRet?: number;
  /** All of them must hold. */
  readonly args?: readonly SeccompArgument[];
}

export interface SeccompArgument {
  readonly index: number;
  readonly value: number;
  /** The compared value of a MASKED_EQ, whose `value` is the mask. */
  readonly valueTwo?: number;
  readonly op: SeccompOperator;
}
