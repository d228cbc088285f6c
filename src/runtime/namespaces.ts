import type { Namespace, NamespaceType } from "./oci-spec.ts";

/** A new one, the host's, or the one of a running process. */
export type NamespaceMode = "private" | "host" | { readonly pid: number };

/** One mode for each kind of namespace. The mount namespace is always the container's own. */
export interface NamespaceModes {
  readonly pid: NamespaceMode;
  readonly network: NamespaceMode;
  /** `none` is private without /dev/shm. */
  readonly ipc: NamespaceMode | "none";
  readonly uts: NamespaceMode;
  readonly cgroup: NamespaceMode;
}

/** The namespaces to make or to join; those shared with the host are not listed (OCI runtime spec, "Namespaces"). */
export function containerNamespaces(modes: NamespaceModes): Namespace[] {
  return [
    { type: "mount" },
    ...namespace("network", "net", modes.network),
    ...namespace("uts", "uts", modes.uts),
    ...namespace("pid", "pid", modes.pid),
    ...namespace("ipc", "ipc", modes.ipc),
    ...namespace("cgroup", "cgroup", modes.cgroup),
  ];
}

/** @param file the name below /proc/<pid>/ns, namespaces(7) */
function namespace(type: NamespaceType, file: string, mode: NamespaceMode | "none"): Namespace[] {
  if (mode === "host") return [];
  if (typeof mode === "object") return [{ type, path: `/proc/${mode.pid}/ns/${file}` }];
  return [{ type }];
}
