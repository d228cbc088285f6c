import { fail } from "../base/errors.ts";
import { newId, shortId } from "../base/ids.ts";
import { formatTimestamp, nowNanoseconds } from "../base/timestamp.ts";
import { freeSubnet } from "./address-pool.ts";
import { BRIDGE_NAME_OPTION, type BridgeRequest, type NetworkCreate, type NetworkRequest } from "./create-network.ts";
import { hostSubnets } from "./host-subnets.ts";
import { formatSubnet, overlaps, parseCidr, type Subnet } from "./ipv4.ts";
import { formatIpv6, formatIpv6Subnet, overlapsIpv6, parseIpv6Cidr, randomIpv6Subnet } from "./ipv6.ts";
import { type Addressing, addressingOf, type NetworkRecord, poolOf } from "./network-record.ts";
import { type AddressingRequest, defaultGateway } from "./parse-addressing.ts";

/**
 * The record of a user's network.
 * @param others the networks that exist.
 * @throws forbidden `SUBNET_OVERLAPS`; unavailable `NO_FREE_SUBNET`
 */
export function userNetwork(
  body: NetworkCreate,
  request: NetworkRequest,
  others: readonly NetworkRecord[],
): NetworkRecord {
  const record = {
    ...plainNetwork(body.Name, request.driver),
    internal: body.Internal,
    attachable: body.Attachable,
    labels: body.Labels,
    options: body.Options,
  };
  if (request.driver !== "bridge") {
    return { ...record, wire: { ...request.wire, ...settle(request.wire, others) } };
  }
  const { bridge } = request;
  return { ...record, bridge: { ...bridge, ...settle(bridge, others), link: bridge.link ?? derivedLink(record.id) } };
}

function requireFreeIpv6(request: AddressingRequest, others: readonly NetworkRecord[]): void {
  const wanted = request.ipv6 === null || request.ipv6 === "choose" ? undefined : parseIpv6Cidr(request.ipv6.subnet);
  if (!wanted) return;
  for (const { ipv6 } of others.flatMap((network) => addressingOf(network) ?? [])) {
    const used = ipv6 ? parseIpv6Cidr(ipv6.subnet) : undefined;
    if (used && overlapsIpv6(used, wanted)) failOverlap();
  }
}

function failOverlap(): never {
  return fail(
    "forbidden",
    "SUBNET_OVERLAPS",
    "invalid pool request: Pool overlaps with other one on this address space",
  );
}

/** The record of `bridge`. @param link its link's name; null derives one from the id. */
export function defaultBridge(link: string | null, others: readonly NetworkRecord[]): NetworkRecord {
  const record = plainNetwork("bridge", "bridge");
  const bridge = { ...DEFAULT_REQUEST, ...settle(DEFAULT_REQUEST, others), link: link ?? derivedLink(record.id) };
  return {
    ...record,
    options: {
      "com.docker.network.bridge.default_bridge": "true",
      "com.docker.network.bridge.enable_icc": "true",
      "com.docker.network.bridge.enable_ip_masquerade": "true",
      "com.docker.network.bridge.host_binding_ipv4": bridge.hostBinding,
      [BRIDGE_NAME_OPTION]: bridge.link,
      "com.docker.network.driver.mtu": String(bridge.mtu),
    },
    bridge,
  };
}

/** A network without anything of its own on the host: `host` and `none`. */
export function plainNetwork(name: string, driver: NetworkRecord["driver"]): NetworkRecord {
  return {
    id: newId(),
    name,
    created: formatTimestamp(nowNanoseconds()),
    driver,
    internal: false,
    attachable: false,
    labels: {},
    options: {},
    bridge: null,
    wire: null,
  };
}

const DEFAULT_REQUEST: BridgeRequest = {
  link: null,
  subnet: null,
  subnetFixed: false,
  gateway: null,
  ipv6: null,
  range: null,
  reserved: {},
  interContainer: true,
  masquerade: true,
  mtu: 1500,
  hostBinding: "0.0.0.0",
};

function chosenIpv6(): NonNullable<Addressing["ipv6"]> {
  const subnet = randomIpv6Subnet();
  return { subnet: formatIpv6Subnet(subnet), fixed: false, gateway: formatIpv6(subnet.base + 1n) };
}

/** As long as a link's name may be (IFNAMSIZ). */
function derivedLink(id: string): string {
  return `lt-${shortId(id)}`;
}

function settle(
  request: AddressingRequest,
  others: readonly NetworkRecord[],
): Pick<Addressing, "subnet" | "gateway" | "ipv6"> {
  requireFreeIpv6(request, others);
  const own = subnetsOf(others);
  const wanted = request.subnet === null ? undefined : parseCidr(request.subnet)?.subnet;
  if (wanted && own.some((subnet) => overlaps(subnet, wanted))) failOverlap();
  const subnet = wanted ?? freeSubnet([...hostSubnets(), ...own]);
  return {
    subnet: formatSubnet(subnet),
    gateway: request.gateway ?? defaultGateway(subnet),
    ipv6: request.ipv6 === "choose" ? chosenIpv6() : request.ipv6,
  };
}

/** Whether their links are up or not. */
export function subnetsOf(networks: readonly NetworkRecord[]): Subnet[] {
  return networks.flatMap((network) => {
    const addressing = addressingOf(network);
    return addressing ? [poolOf(addressing).subnet] : [];
  });
}
