import { fail } from "../base/errors.ts";
import { contains, formatIpv4, formatSubnet, type Ipv4, lastAddress, overlaps, type Subnet } from "./ipv4.ts";

/** The addresses of one network: a subnet, and within it what may be given out by itself. */
export interface AddressPool {
  readonly subnet: Subnet;
  readonly gateway: Ipv4;
  /** Addresses are given from here; one asked for by name may lie elsewhere in the subnet. The subnet itself by default. */
  readonly range: Subnet;
  /** Addresses that other machines on the network have (`--aux-address`). */
  readonly reserved: readonly Ipv4[];
}

/**
 * The lowest address that nobody has, so that the first container gets the one after the gateway, as with Docker.
 * @throws unavailable `NO_FREE_ADDRESS`
 */
export function lowestFreeAddress(pool: AddressPool, taken: ReadonlySet<Ipv4>): Ipv4 {
  const end = lastAddress(pool.range);
  for (let address = pool.range.base; address <= end; address++) {
    if (isUsable(pool, address) && !taken.has(address)) return address;
  }
  return fail(
    "unavailable",
    "NO_FREE_ADDRESS",
    `no available IPv4 addresses on this network's address pools: ${formatSubnet(pool.range)}`,
  );
}

/**
 * An address that a client asked for (`--ip`).
 * @throws invalid `ADDRESS_NOT_IN_SUBNET`; conflict `ADDRESS_IN_USE`
 */
export function requestedAddress(pool: AddressPool, address: Ipv4, taken: ReadonlySet<Ipv4>): Ipv4 {
  if (!contains(pool.subnet, address)) {
    fail(
      "invalid",
      "ADDRESS_NOT_IN_SUBNET",
      `invalid endpoint settings: no configured subnet contains IP address ${formatIpv4(address)}`,
    );
  }
  if (!isUsable(pool, address) || taken.has(address)) {
    fail("conflict", "ADDRESS_IN_USE", `Address already in use: ${formatIpv4(address)}`);
  }
  return address;
}

/** A /31 or /32 has neither network nor broadcast address (RFC 3021). */
function isUsable(pool: AddressPool, address: Ipv4): boolean {
  const { subnet } = pool;
  const isEdge = subnet.prefixLength < 31 && (address === subnet.base || address === lastAddress(subnet));
  return !isEdge && address !== pool.gateway && !pool.reserved.includes(address);
}

/** Where networks without a subnet of their own get one: Docker's default pools, in its order. */
export const DEFAULT_SUBNETS: readonly Subnet[] = [
  ...Array.from({ length: 15 }, (_, i) => ({ base: 0xac11_0000 + i * 0x1_0000, prefixLength: 16 })), // 172.17/16 to 172.31/16
  ...Array.from({ length: 16 }, (_, i) => ({ base: 0xc0a8_0000 + i * 0x1000, prefixLength: 20 })), // 192.168.0/20 ...
];

/**
 * The first default subnet that overlaps with none in use.
 * @throws unavailable `NO_FREE_SUBNET`
 */
export function freeSubnet(used: readonly Subnet[]): Subnet {
  const free = DEFAULT_SUBNETS.find((candidate) => !used.some((subnet) => overlaps(subnet, candidate)));
  return (
    free ??
    fail(
      "unavailable",
      "NO_FREE_SUBNET",
      "all predefined address pools have been fully subnetted: remove a network, or give this one its own --subnet",
    )
  );
}
