import { posix } from "node:path";
import { fail } from "../base/errors.ts";
import { containerCapabilities } from "./capabilities.ts";
import { ALLOW_ALL_DEVICES, type ContainerDevices, DEFAULT_DEVICE_RULES } from "./devices.ts";
import { containerEnvironment } from "./environment.ts";
import { type Host, isAtLeast } from "./host.ts";
import { DEFAULT_READONLY_PATHS } from "./masked-paths.ts";
import { type ContainerMount, containerMounts, type EtcFiles, rootPropagation } from "./mounts.ts";
import { containerNamespaces, type NamespaceModes } from "./namespaces.ts";
import { type Capabilities, OCI_VERSION, type Process, type Resources, type Spec } from "./oci-spec.ts";
import type { SecurityOptions } from "./security-options.ts";
import { containerSysctls } from "./sysctls.ts";
import { limitToHost, rlimitsOf, type Ulimit } from "./ulimits.ts";

/** All that decides how a container's processes run, after image and request have been merged and names looked up. */
export interface RuntimeSettings {
  readonly id: string;
  /** Entrypoint and command. */
  readonly args: readonly string[];
  /** The image's and the request's, in this order. */
  readonly env: readonly string[];
  /** "" is the root. */
  readonly cwd: string;
  /** `user[:group]` by name or number, "" for root. */
  readonly user: string;
  readonly groupAdd: readonly string[];
  readonly tty: boolean;
  readonly hostname: string;
  readonly domainname: string;
  readonly rootPath: string;
  readonly readonlyRootfs: boolean;
  readonly privileged: boolean;
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  readonly security: SecurityOptions;
  /** null: the defaults; empty: none. */
  readonly maskedPaths: readonly string[] | null;
  readonly readonlyPaths: readonly string[] | null;
  readonly namespaces: NamespaceModes;
  readonly mounts: readonly ContainerMount[];
  /** null where the image's own files stay. */
  readonly etcFiles: EtcFiles | null;
  /** Bytes; 0 is Docker's 64 MiB. */
  readonly shmSize: number;
  readonly devices: ContainerDevices;
  readonly resources: Resources;
  /** "" is Lighter's own group. */
  readonly cgroupParent: string;
  readonly ulimits: readonly Ulimit[];
  readonly sysctls: Readonly<Record<string, string>>;
  readonly oomScoreAdj: number;
  readonly annotations: Readonly<Record<string, string>>;
}

const CGROUP_PARENT = "/lighter";

/**
 * The runtime spec of a container, the one that Docker gives to runc but for user and groups by name (see `User`) and for
 * seccomp, which goes compiled beside it. Touches nothing.
 * @throws invalid with Docker's texts for what it would refuse: capabilities, mounts, sysctls, ulimits, paths
 */
export function createSpec(settings: RuntimeSettings, host: Host): { spec: Spec; warnings: string[] } {
  const { rlimits, warnings } = limitToHost(rlimitsOf(settings.ulimits), host.hardLimits);
  const unconfined = settings.privileged || settings.security.systemPathsUnconfined;
  const spec: Spec = {
    ociVersion: OCI_VERSION,
    process: { ...containerProcess(settings, host), rlimits },
    root: { path: settings.rootPath, readonly: settings.readonlyRootfs },
    ...(settings.namespaces.uts === "private" ? { hostname: settings.hostname } : {}),
    mounts: containerMounts({ ...settings, recursiveReadonly: isAtLeast(host.kernel, 5, 12) }),
    linux: {
      namespaces: containerNamespaces(settings.namespaces),
      devices: settings.devices.nodes,
      cgroupsPath: cgroupsPath(settings.cgroupParent || CGROUP_PARENT, settings.id),
      resources: { ...settings.resources, devices: deviceRules(settings) },
      sysctl: containerSysctls(settings.sysctls, settings.domainname, {
        ipc: settings.namespaces.ipc !== "host",
        network: settings.namespaces.network !== "host",
        newNetwork: settings.namespaces.network === "private",
        uts: settings.namespaces.uts === "private",
      }),
      rootfsPropagation: rootPropagation(settings.mounts),
      maskedPaths: unconfined ? [] : (settings.maskedPaths ?? host.maskedPaths),
      readonlyPaths: unconfined ? [] : (settings.readonlyPaths ?? DEFAULT_READONLY_PATHS),
    },
    annotations: settings.annotations,
  };
  return { spec, warnings };
}

/** What an exec asks for beyond its container's settings. */
export interface ExecSettings {
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** "" is the container's. */
  readonly cwd: string;
  /** "" is the container's. */
  readonly user: string;
  readonly tty: boolean;
  readonly privileged: boolean;
}

/**
 * A further process of a running container: everything as in its first but what the exec says otherwise.
 * @throws invalid, as {@link createSpec}
 */
export function createExecProcess(settings: RuntimeSettings, exec: ExecSettings, host: Host): Process {
  const inherited = containerProcess(
    {
      ...settings,
      args: exec.args,
      env: [...settings.env, ...exec.env],
      cwd: exec.cwd || settings.cwd,
      user: exec.user || settings.user,
      tty: exec.tty,
      privileged: settings.privileged || exec.privileged,
    },
    host,
  );
  return { ...inherited, rlimits: limitToHost(rlimitsOf(settings.ulimits), host.hardLimits).rlimits };
}

function containerProcess(settings: RuntimeSettings, host: Host): Process {
  return {
    terminal: settings.tty,
    user: { uid: 0, gid: 0, userName: settings.user, additionalGroupNames: settings.groupAdd },
    args: processArguments(settings),
    env: containerEnvironment(settings.env, settings.hostname, settings.tty),
    cwd: workingDirectory(settings.cwd),
    capabilities: capabilitySets(settings, host),
    noNewPrivileges: settings.security.noNewPrivileges,
    oomScoreAdj: settings.oomScoreAdj,
    ...(host.apparmor && settings.security.apparmor ? { apparmorProfile: settings.security.apparmor } : {}),
  };
}

function processArguments(settings: RuntimeSettings): readonly string[] {
  if (settings.args.length === 0) fail("invalid", "NO_COMMAND", "no command specified");
  const withNul = settings.args.find((argument) => argument.includes("\0"));
  if (withNul !== undefined) {
    fail("invalid", "INVALID_COMMAND", `an argument contains a NUL byte: ${JSON.stringify(withNul)}`);
  }
  return settings.args;
}

/** Nothing inheritable or ambient: that would let a user other than root have them (CVE-2022-24769). */
function capabilitySets(settings: RuntimeSettings, host: Host): Capabilities {
  const names = containerCapabilities(
    { privileged: settings.privileged, add: settings.capAdd, drop: settings.capDrop },
    host.capabilities,
  );
  return { bounding: names, effective: names, permitted: names, inheritable: [], ambient: [] };
}

function workingDirectory(cwd: string): string {
  if (cwd === "") return "/";
  if (!cwd.startsWith("/") || cwd.includes("\0")) {
    fail(
      "invalid",
      "INVALID_WORKING_DIRECTORY",
      `the working directory '${cwd}' is invalid, it needs to be an absolute path`,
    );
  }
  return posix.normalize(cwd).replace(/(?<=.)\/$/, "");
}

function deviceRules(settings: RuntimeSettings): Resources["devices"] {
  return settings.privileged ? ALLOW_ALL_DEVICES : [...DEFAULT_DEVICE_RULES, ...settings.devices.rules];
}

function cgroupsPath(parent: string, id: string): string {
  // Rooted before it is cleaned, so that no ".." leads out of the tree.
  return posix.join("/", posix.normalize(`/${parent}`), id);
}
