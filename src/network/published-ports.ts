import { isIPv6 } from "node:net";
import { firstFreePort } from "./free-port.ts";
import type { Endpoint } from "./network-record.ts";
import type { NetworkStore } from "./network-store.ts";
import type { PortMapping, PortRange, PortRequest } from "./port-mapping.ts";
import { failPortAllocated, failPortFamily, failRangeAllocated } from "./publish-failure.ts";

/** What Linux gives out by itself (ip_local_port_range), for ports that have to have one number in both families. */
const EPHEMERAL: PortRange = { first: 32_768, last: 60_999 };

/** Where on the host a port is reached, and where that leads. */
type Way = Pick<PortMapping, "hostIp" | "containerIp">;

/**
 * Settles which host ports a container gets and notes them as spoken for, so that no other container is given them while
 * this one starts. A `hostPort` of 0 is left to the kernel, when the shim binds. All or nothing.
 * @throws internal `PORT_NOT_PUBLISHED`
 */
export async function claimPorts(
  records: NetworkStore,
  endpoint: Endpoint,
  place: NonNullable<Endpoint["place"]>,
  requests: readonly PortRequest[],
  hostBinding: string,
): Promise<PortMapping[]> {
  const { containerId } = endpoint;
  records.deletePortsOf(containerId); // What an earlier run of the container left.
  try {
    const mappings: PortMapping[] = [];
    for (const request of requests) {
      mappings.push(...(await claim(records, endpoint, request, waysOf(endpoint, place, request.hostIp, hostBinding))));
    }
    return mappings;
  } catch (error) {
    records.deletePortsOf(containerId);
    throw error;
  }
}

/** On every address means that of IPv6 too, where the container has one. */
function waysOf(
  endpoint: Endpoint,
  { address, ipv6 }: NonNullable<Endpoint["place"]>,
  asked: string,
  hostBinding: string,
): Way[] {
  if (isIPv6(asked)) {
    if (!ipv6) failPortFamily(endpoint, asked);
    return [{ hostIp: asked, containerIp: ipv6.address }];
  }
  const ipv4: Way = { hostIp: asked || hostBinding, containerIp: address };
  const everywhere = asked === "" && hostBinding === "0.0.0.0";
  return everywhere && ipv6 ? [ipv4, { hostIp: "::", containerIp: ipv6.address }] : [ipv4];
}

async function claim(
  records: NetworkStore,
  endpoint: Endpoint,
  { protocol, containerPort, hostPorts }: PortRequest,
  ways: readonly Way[],
): Promise<PortMapping[]> {
  const mappings = (hostPort: number) => ways.map((way) => ({ protocol, containerPort, hostPort, ...way }));
  const range = hostPorts ?? (ways.length > 1 ? EPHEMERAL : null);
  if (range === null) return mappings(0);
  const isTaken = (port: number) => ways.some(({ hostIp }) => records.isPortTaken(protocol, hostIp, port));
  const claimed = mappings(await choose(endpoint, protocol, ways, range, isTaken));
  for (const mapping of claimed) {
    if (records.isPortTaken(protocol, mapping.hostIp, mapping.hostPort)) failPortAllocated(endpoint, mapping);
  }
  for (const mapping of claimed) records.insertPort(endpoint.containerId, mapping, false);
  return claimed;
}

async function choose(
  endpoint: Endpoint,
  protocol: PortMapping["protocol"],
  ways: readonly Way[],
  { first, last }: PortRange,
  isTaken: (port: number) => boolean,
): Promise<number> {
  if (first === last) return first;
  const addresses = ways.map(({ hostIp }) => hostIp);
  for (let from = first; ; ) {
    const port = await firstFreePort(protocol, addresses, { first: from, last }, isTaken);
    if (port === undefined) return failRangeAllocated(endpoint, addresses[0] ?? "", first, last);
    // Another container may have claimed it while we tried it.
    if (!isTaken(port)) return port;
    from = port + 1;
  }
}
