import { randomBytes } from "node:crypto";
import { isIPv6 } from "node:net";
import { fail } from "../base/errors.ts";

/** An IPv6 address as the unsigned number of its 128 bits. */
export type Ipv6 = bigint;

/** A block of addresses; `base` has no bits set below the prefix. */
export interface Ipv6Subnet {
  readonly base: Ipv6;
  readonly prefixLength: number;
}

const BITS = 128;
const GROUP_BITS = 16n;
/** Global, unique local and the like; not loopback, link-local (fe80::/10) or multicast (ff00::/8). */
const FIRST_RESERVED = 0xfe80n << 112n;

/** Any form of RFC 4291, 2.2, without a zone; else undefined. */
export function parseIpv6(text: string): Ipv6 | undefined {
  if (!isIPv6(text) || text.includes("%")) return undefined;
  const groups = canonical(text).split("::");
  const [head = [], tail = []] = groups.map((part) => (part === "" ? [] : part.split(":")));
  const missing = Array.from({ length: 8 - head.length - tail.length }, () => "0");
  return [...head, ...missing, ...tail].reduce((value, group) => (value << GROUP_BITS) | BigInt(`0x${group}`), 0n);
}

/** The one form of RFC 5952. */
export function formatIpv6(address: Ipv6): string {
  const digits = address.toString(16).padStart(BITS / 4, "0");
  return canonical((digits.match(/.{4}/g) ?? []).join(":"));
}

/** `fd00:1::/64`; else undefined. */
export function parseIpv6Cidr(text: string): Ipv6Subnet | undefined {
  const [, written = "", length = ""] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const address = parseIpv6(written);
  const prefixLength = Number(length);
  if (address === undefined || prefixLength > BITS) return undefined;
  return { base: address - (address % sizeOf(prefixLength)), prefixLength };
}

export function formatIpv6Subnet({ base, prefixLength }: Ipv6Subnet): string {
  return `${formatIpv6(base)}/${prefixLength}`;
}

export function containsIpv6({ base, prefixLength }: Ipv6Subnet, address: Ipv6): boolean {
  return address >= base && address < base + sizeOf(prefixLength);
}

export function overlapsIpv6(one: Ipv6Subnet, other: Ipv6Subnet): boolean {
  return containsIpv6(one, other.base) || containsIpv6(other, one.base);
}

/** Whether containers may have addresses of it, and the gateway one too. */
export function isUsableIpv6({ base, prefixLength }: Ipv6Subnet): boolean {
  return prefixLength >= 8 && prefixLength <= BITS - 2 && base !== 0n && base < FIRST_RESERVED;
}

/** A block of one's own, as good as certainly nobody else's: 40 random bits below fd00::/8 (RFC 4193). */
export function randomIpv6Subnet(): Ipv6Subnet {
  const globalId = BigInt(`0x${randomBytes(5).toString("hex")}`);
  return { base: (0xfdn << 120n) | (globalId << 80n), prefixLength: 64 };
}

/** The lowest address after the subnet's own that is not taken. @throws unavailable `NO_FREE_ADDRESS` */
export function lowestFreeIpv6(subnet: Ipv6Subnet, taken: ReadonlySet<Ipv6>): Ipv6 {
  for (let address = subnet.base + 1n; containsIpv6(subnet, address); address++) {
    if (!taken.has(address)) return address;
  }
  return fail(
    "unavailable",
    "NO_FREE_ADDRESS",
    `no available IPv6 addresses on this network's address pools: ${formatIpv6Subnet(subnet)}`,
  );
}

/** The URL standard writes addresses by RFC 5952. */
function canonical(text: string): string {
  return new URL(`http://[${text}]`).hostname.slice(1, -1);
}

function sizeOf(prefixLength: number): bigint {
  return 1n << BigInt(BITS - prefixLength);
}
