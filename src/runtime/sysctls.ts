import { fail } from "../base/errors.ts";

/** Kernel settings that belong to an IPC namespace (ipc_namespaces(7)); all others of their kind are the whole machine's. */
const IPC_SYSCTLS = new Set([
  "kernel.msgmax",
  "kernel.msgmnb",
  "kernel.msgmni",
  "kernel.sem",
  "kernel.shmall",
  "kernel.shmmax",
  "kernel.shmmni",
  "kernel.shm_rmid_forced",
]);

/** Docker's own: ping without CAP_NET_RAW, and ports below 1024 without CAP_NET_BIND_SERVICE. */
const NETWORK_DEFAULTS: Readonly<Record<string, string>> = {
  "net.ipv4.ip_unprivileged_port_start": "0",
  "net.ipv4.ping_group_range": "0 2147483647",
};

/** Which namespaces a container does not share with the host. */
export interface SysctlScope {
  readonly ipc: boolean;
  readonly network: boolean;
  /** A network namespace of its own, not another container's: then the defaults are set too. */
  readonly newNetwork: boolean;
  readonly uts: boolean;
}

/**
 * The kernel settings to make inside a container's namespaces, dots or slashes in the names as given.
 * @throws invalid `SYSCTL_NOT_NAMESPACED` for one that would change the host, in the words of runc
 */
export function containerSysctls(
  requested: Readonly<Record<string, string>>,
  domainname: string,
  scope: SysctlScope,
): Record<string, string> {
  for (const name of Object.keys(requested)) checkScope(name, scope);
  return {
    ...(scope.newNetwork ? NETWORK_DEFAULTS : {}),
    ...(domainname && scope.uts ? { "kernel.domainname": domainname } : {}),
    ...requested,
  };
}

function checkScope(name: string, scope: SysctlScope): void {
  const dotted = name.replaceAll("/", ".");
  // The name becomes a path below /proc/sys, which must not lead out of there.
  if (!/^[a-z0-9_-]+(\.[A-Za-z0-9_-]+)+$/.test(dotted)) {
    fail("invalid", "INVALID_SYSCTL", `sysctl "${name}" is not the name of a kernel setting`);
  }
  if (dotted.startsWith("net.")) {
    if (!scope.network) {
      fail("invalid", "SYSCTL_NOT_NAMESPACED", `sysctl "${name}" not allowed in host network namespace`);
    }
    return;
  }
  const isIpc = IPC_SYSCTLS.has(dotted) || dotted.startsWith("fs.mqueue.");
  if (isIpc && !scope.ipc) {
    fail("invalid", "SYSCTL_NOT_NAMESPACED", `sysctl "${name}" is not allowed in the hosts ipc namespace`);
  }
  const isUts = dotted === "kernel.domainname";
  if (isUts && !scope.uts) {
    fail("invalid", "SYSCTL_NOT_NAMESPACED", `sysctl "${name}" is not allowed as UTS namespace is not private`);
  }
  if (!isIpc && !isUts) {
    fail("invalid", "SYSCTL_NOT_NAMESPACED", `sysctl "${name}" is not in a separate kernel namespace`);
  }
}
