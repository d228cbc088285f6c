import { fail } from "../base/errors.ts";
import type { Endpoint } from "./network-record.ts";
import type { PortMapping } from "./port-mapping.ts";

/**
 * Why a container's ports could not be published, in the sentence that Docker's clients know.
 * Docker answers with status 500 here, and so the kind is internal.
 */
function failPublishing(endpoint: Pick<Endpoint, "id" | "containerName">, reason: string): never {
  return fail(
    "internal",
    "PORT_NOT_PUBLISHED",
    `driver failed programming external connectivity on endpoint ${endpoint.containerName} (${endpoint.id}): ${reason}`,
  );
}

/** Another of our containers has it. */
export function failPortAllocated(
  endpoint: Endpoint,
  { hostIp, hostPort }: Pick<PortMapping, "hostIp" | "hostPort">,
): never {
  return failPublishing(endpoint, `Bind for ${hostIp}:${hostPort} failed: port is already allocated`);
}

/** A host address of IPv6 for a container that has none. */
export function failPortFamily(endpoint: Endpoint, hostIp: string): never {
  return failPublishing(
    endpoint,
    `Bind for [${hostIp}] failed: the container has no IPv6 address: make its network with --ipv6, or publish on IPv4`,
  );
}

/** None of a range is left. */
export function failRangeAllocated(endpoint: Endpoint, hostIp: string, first: number, last: number): never {
  return failPublishing(endpoint, `Bind for ${hostIp}:${first}-${last} failed: all ports are allocated`);
}

/** The shim could not bind the port: another process has it, or the host has no such address. */
export function failPortBind(
  endpoint: Endpoint,
  { protocol, hostIp, hostPort }: Pick<PortMapping, "protocol" | "hostIp" | "hostPort">,
  errno: string,
): never {
  const reasons: Record<string, string> = {
    EADDRINUSE: "address already in use",
    EADDRNOTAVAIL: "cannot assign requested address",
    EACCES: "permission denied",
  };
  return failPublishing(
    endpoint,
    `failed to bind host port ${hostIp}:${hostPort}/${protocol}: ${reasons[errno] ?? errno}`,
  );
}
