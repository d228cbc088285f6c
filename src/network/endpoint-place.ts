import { fail } from "../base/errors.ts";
import { lowestFreeAddress, requestedAddress } from "./address-pool.ts";
import { formatIpv4, type Ipv4, parseIpv4 } from "./ipv4.ts";
import {
  containsIpv6,
  formatIpv6,
  type Ipv6,
  type Ipv6Subnet,
  lowestFreeIpv6,
  parseIpv6,
  parseIpv6Cidr,
} from "./ipv6.ts";
import { macAddressOf, parseMacAddress } from "./mac-address.ts";
import {
  type Addressing,
  type Endpoint,
  type EndpointRequest,
  isPredefined,
  type NetworkRecord,
  poolOf,
} from "./network-record.ts";

/**
 * A place on a network: the addresses that were asked for, or free ones.
 * @param taken the addresses of the network's other endpoints @param linkName the link's name within the container
 * @throws conflict `ADDRESS_IN_USE`; unavailable `NO_FREE_ADDRESS`; invalid in Docker's words.
 */
export function choosePlace(
  network: NetworkRecord,
  addressing: Addressing,
  request: EndpointRequest,
  taken: { readonly ipv4: ReadonlySet<Ipv4>; readonly ipv6: ReadonlySet<Ipv6> },
  linkName: string,
): NonNullable<Endpoint["place"]> {
  const address = chooseAddress(network, addressing, request, taken.ipv4);
  return {
    linkName,
    ipv6: addressing.ipv6 && chooseIpv6(addressing.ipv6, request, taken.ipv6),
    address: formatIpv4(address),
    prefixLength: poolOf(addressing).subnet.prefixLength,
    macAddress: request.MacAddress ? parseMacAddress(request.MacAddress) : macAddressOf(address),
  };
}

function chooseIpv6(
  pool: NonNullable<Addressing["ipv6"]>,
  request: EndpointRequest,
  others: ReadonlySet<Ipv6>,
): NonNullable<Endpoint["place"]>["ipv6"] {
  const subnet = parseIpv6Cidr(pool.subnet);
  const gateway = parseIpv6(pool.gateway);
  if (!subnet || gateway === undefined) {
    fail("internal", "STORE_DAMAGED", `the record of the IPv6 subnet ${pool.subnet} has no valid addresses`);
  }
  const taken = new Set([...others, gateway, subnet.base]);
  const wanted = request.IPAMConfig?.IPv6Address;
  const address = wanted ? requestedIpv6(wanted, pool.fixed, subnet, taken) : lowestFreeIpv6(subnet, taken);
  return { address: formatIpv6(address), prefixLength: subnet.prefixLength };
}

function requestedIpv6(wanted: string, fixed: boolean, subnet: Ipv6Subnet, taken: ReadonlySet<Ipv6>): Ipv6 {
  if (!fixed) fail("invalid", "ADDRESS_NOT_CONFIGURABLE", NOT_CONFIGURABLE);
  const address = parseIpv6(wanted);
  if (address === undefined) fail("invalid", "INVALID_ADDRESS", `invalid IPv6 address: ${wanted}`);
  if (!containsIpv6(subnet, address)) {
    fail(
      "invalid",
      "ADDRESS_NOT_IN_SUBNET",
      `invalid endpoint settings: no configured subnet contains IP address ${wanted}`,
    );
  }
  if (taken.has(address)) fail("conflict", "ADDRESS_IN_USE", `Address already in use: ${formatIpv6(address)}`);
  return address;
}

const NOT_CONFIGURABLE =
  "user specified IP address is supported only when connecting to networks with user configured subnets";

function chooseAddress(
  network: NetworkRecord,
  addressing: Addressing,
  request: EndpointRequest,
  taken: ReadonlySet<Ipv4>,
): Ipv4 {
  const wanted = request.IPAMConfig?.IPv4Address;
  if (!wanted) return lowestFreeAddress(poolOf(addressing), taken);
  if (!addressing.subnetFixed) {
    fail(
      "invalid",
      "ADDRESS_NOT_CONFIGURABLE",
      isPredefined(network.name)
        ? "user specified IP address is supported on user defined networks only"
        : NOT_CONFIGURABLE,
    );
  }
  const address = parseIpv4(wanted);
  if (address === undefined) fail("invalid", "INVALID_ADDRESS", `invalid IPv4 address: ${wanted}`);
  return requestedAddress(poolOf(addressing), address, taken);
}
