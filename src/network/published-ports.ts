import { firstFreePort } from "./free-port.ts";
import type { Endpoint } from "./network-record.ts";
import type { NetworkStore } from "./network-store.ts";
import type { PortMapping, PortRequest } from "./port-mapping.ts";
import { failPortAllocated, failRangeAllocated } from "./publish-failure.ts";

/**
 * Settles which host ports a container gets and notes them as spoken for, so that no other container is given them while
 * this one starts. A `hostPort` of 0 is left to the kernel, when the shim binds. All or nothing.
 * @throws internal `PORT_NOT_PUBLISHED`
 */
export async function claimPorts(
  records: NetworkStore,
  endpoint: Endpoint,
  containerIp: string,
  requests: readonly PortRequest[],
  hostBinding: string,
): Promise<PortMapping[]> {
  const { containerId } = endpoint;
  records.deletePortsOf(containerId); // What an earlier run of the container left.
  try {
    const mappings: PortMapping[] = [];
    for (const request of requests) {
      const mapping = {
        protocol: request.protocol,
        hostIp: request.hostIp || hostBinding,
        hostPort: 0,
        containerIp,
        containerPort: request.containerPort,
      };
      mappings.push(
        request.hostPorts === null ? mapping : await claimOne(records, endpoint, mapping, request.hostPorts),
      );
    }
    return mappings;
  } catch (error) {
    records.deletePortsOf(containerId);
    throw error;
  }
}

async function claimOne(
  records: NetworkStore,
  endpoint: Endpoint,
  mapping: PortMapping,
  { first, last }: { readonly first: number; readonly last: number },
): Promise<PortMapping> {
  const isTaken = (port: number) => records.isPortTaken(mapping.protocol, mapping.hostIp, port);
  let hostPort: number | undefined = first;
  if (first !== last) {
    hostPort = await firstFreePort(mapping.protocol, mapping.hostIp, { first, last }, isTaken);
    if (hostPort === undefined) failRangeAllocated(endpoint, mapping.hostIp, first, last);
  }
  const claimed = { ...mapping, hostPort };
  if (isTaken(hostPort)) failPortAllocated(endpoint, claimed);
  records.insertPort(endpoint.containerId, claimed, false);
  return claimed;
}
