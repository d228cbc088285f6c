import { fail } from "../base/errors.ts";
import { lowestFreeAddress, requestedAddress } from "./address-pool.ts";
import { formatIpv4, type Ipv4, parseIpv4 } from "./ipv4.ts";
import { macAddressOf, parseMacAddress } from "./mac-address.ts";
import {
  type Bridge,
  type Endpoint,
  type EndpointRequest,
  isPredefined,
  type NetworkRecord,
  poolOf,
} from "./network-record.ts";

/**
 * A place on a bridge network: the addresses that were asked for, or free ones.
 * @param taken the addresses of the network's other endpoints @param linkName the link's name within the container
 * @throws conflict `ADDRESS_IN_USE`; unavailable `NO_FREE_ADDRESS`; invalid in Docker's words.
 */
export function choosePlace(
  network: NetworkRecord,
  bridge: Bridge,
  request: EndpointRequest,
  taken: ReadonlySet<Ipv4>,
  linkName: string,
): NonNullable<Endpoint["place"]> {
  const address = chooseAddress(network, bridge, request, taken);
  return {
    linkName,
    ipv6: null,
    address: formatIpv4(address),
    prefixLength: poolOf(bridge).subnet.prefixLength,
    macAddress: request.MacAddress ? parseMacAddress(request.MacAddress) : macAddressOf(address),
  };
}

function chooseAddress(
  network: NetworkRecord,
  bridge: Bridge,
  request: EndpointRequest,
  taken: ReadonlySet<Ipv4>,
): Ipv4 {
  const wanted = request.IPAMConfig?.IPv4Address;
  if (!wanted) return lowestFreeAddress(poolOf(bridge), taken);
  if (!bridge.subnetFixed) {
    fail(
      "invalid",
      "ADDRESS_NOT_CONFIGURABLE",
      isPredefined(network.name)
        ? "user specified IP address is supported on user defined networks only"
        : "user specified IP address is supported only when connecting to networks with user configured subnets",
    );
  }
  const address = parseIpv4(wanted);
  if (address === undefined) fail("invalid", "INVALID_ADDRESS", `invalid IPv4 address: ${wanted}`);
  return requestedAddress(poolOf(bridge), address, taken);
}
