import { fail } from "../base/errors.ts";
import {
  contains,
  formatIpv4,
  formatSubnet,
  isLoopback,
  lastAddress,
  parseCidr,
  parseIpv4,
  type Subnet,
} from "./ipv4.ts";
import { containsIpv6, formatIpv6, formatIpv6Subnet, isUsableIpv6, parseIpv6, parseIpv6Cidr } from "./ipv6.ts";
import type { Addressing } from "./network-record.ts";

/** Addresses as asked for; a null subnet is to be chosen. */
export type AddressingRequest = Omit<Addressing, "subnet" | "gateway" | "ipv6"> & {
  readonly subnet: string | null;
  readonly gateway: string | null;
  /** `choose`: some subnet of its own. */
  readonly ipv6: Addressing["ipv6"] | "choose";
};

/** One of Docker's `IPAM.Config`; empty texts are what the client left out. */
export interface AddressConfig {
  readonly Subnet: string;
  readonly IPRange: string;
  readonly Gateway: string;
  readonly AuxiliaryAddresses: Readonly<Record<string, string>>;
}

/** 224.0.0.0/4 and what is reserved above it (RFC 5771). */
const MULTICAST_BASE = 0xe000_0000;

/** Checks the addresses that a client wants for a network, one subnet of each family. @throws invalid in Docker's words. */
export function parseAddressing(configs: readonly AddressConfig[], ipv6: boolean): AddressingRequest {
  const families = Map.groupBy(configs, ({ Subnet }) => (Subnet.includes(":") ? "ipv6" : "ipv4"));
  return {
    ...parseIpv4Addresses(families.get("ipv4") ?? []),
    ipv6: parseIpv6Addresses(ipv6, families.get("ipv6") ?? []),
  };
}

/** The first address that a subnet has for hosts, as Docker takes it. */
export function defaultGateway(subnet: Subnet): string {
  return formatIpv4(subnet.prefixLength < 31 ? subnet.base + 1 : subnet.base);
}

function parseIpv4Addresses(configs: readonly AddressConfig[]): Omit<AddressingRequest, "ipv6"> {
  const [config, ...others] = configs;
  if (!config) return { subnet: null, subnetFixed: false, gateway: null, range: null, reserved: {} };
  if (others.length > 0) fail("invalid", "INVALID_SUBNET", "bridge driver doesn't support multiple subnets");
  const subnet = parseCidr(config.Subnet)?.subnet;
  if (!subnet) {
    fail("invalid", "INVALID_SUBNET", `Invalid subnet ${config.Subnet} : invalid CIDR address: ${config.Subnet}`);
  }
  // A route to half of all addresses, to loopback or to multicast would take the host itself off its network.
  if (subnet.prefixLength < 8 || isLoopback(subnet.base) || subnet.base >= MULTICAST_BASE) {
    fail(
      "invalid",
      "INVALID_SUBNET",
      `Invalid subnet ${config.Subnet} : a network has at most 24 bits of unicast addresses`,
    );
  }
  if (subnet.prefixLength > 31) {
    fail("invalid", "INVALID_SUBNET", "failed to allocate gateway (): No available addresses on this pool");
  }
  const within = (what: string, address: string) => {
    const parsed = parseIpv4(address);
    if (parsed === undefined)
      fail("invalid", "INVALID_ADDRESS", `invalid ${what} address ${address} in Ipam configuration`);
    if (!contains(subnet, parsed)) fail("invalid", "INVALID_ADDRESS", `no matching subnet for ${what} ${address}`);
    return formatIpv4(parsed);
  };
  return {
    subnet: formatSubnet(subnet),
    subnetFixed: true,
    gateway: config.Gateway === "" ? defaultGateway(subnet) : within("gateway", config.Gateway),
    range: config.IPRange === "" ? null : parseRange(subnet, config.IPRange),
    reserved: Object.fromEntries(
      Object.entries(config.AuxiliaryAddresses).map(([host, address]) => [host, within("aux-address", address)]),
    ),
  };
}

function parseIpv6Addresses(
  enabled: boolean,
  [config, ...others]: readonly AddressConfig[],
): AddressingRequest["ipv6"] {
  if (!config) return enabled ? "choose" : null;
  if (!enabled) fail("invalid", "INVALID_SUBNET", `the subnet ${config.Subnet} needs IPv6 on the network: add --ipv6`);
  if (others.length > 0) fail("invalid", "INVALID_SUBNET", "bridge driver doesn't support multiple subnets");
  if (config.IPRange !== "" || Object.keys(config.AuxiliaryAddresses).length > 0) {
    fail("not-implemented", "IPV6_RANGE", "an IPv6 subnet takes no --ip-range and no --aux-address");
  }
  const subnet = parseIpv6Cidr(config.Subnet);
  if (!subnet) {
    fail("invalid", "INVALID_SUBNET", `Invalid subnet ${config.Subnet} : invalid CIDR address: ${config.Subnet}`);
  }
  if (!isUsableIpv6(subnet)) {
    fail(
      "invalid",
      "INVALID_SUBNET",
      `Invalid subnet ${config.Subnet} : a network has 2 to 120 bits of unicast addresses`,
    );
  }
  const gateway = config.Gateway === "" ? subnet.base + 1n : parseIpv6(config.Gateway);
  if (gateway === undefined) {
    fail("invalid", "INVALID_ADDRESS", `invalid gateway address ${config.Gateway} in Ipam configuration`);
  }
  if (!containsIpv6(subnet, gateway)) {
    fail("invalid", "INVALID_ADDRESS", `no matching subnet for gateway ${config.Gateway}`);
  }
  return { subnet: formatIpv6Subnet(subnet), fixed: true, gateway: formatIpv6(gateway) };
}

function parseRange(subnet: Subnet, text: string): string {
  const range = parseCidr(text)?.subnet;
  if (!range) fail("invalid", "INVALID_SUBNET", `Invalid IP range ${text} : invalid CIDR address: ${text}`);
  if (!contains(subnet, range.base) || !contains(subnet, lastAddress(range))) {
    fail("invalid", "INVALID_SUBNET", `no matching subnet for range ${text}`);
  }
  return formatSubnet(range);
}
