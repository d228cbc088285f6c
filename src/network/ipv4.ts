/** An IPv4 address as the unsigned number that its four octets spell. */
export type Ipv4 = number;

/** A block of addresses; `base` has no bits set below the prefix. */
export interface Subnet {
  readonly base: Ipv4;
  readonly prefixLength: number;
}

const OCTET = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const DOTTED_QUAD = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`);

/** Four decimal octets without leading zeros (which some resolvers read as octal, CVE-2021-29921); else undefined. */
export function parseIpv4(text: string): Ipv4 | undefined {
  if (!DOTTED_QUAD.test(text)) return undefined;
  return text.split(".").reduce((address, octet) => address * 256 + Number(octet), 0);
}

export function formatIpv4(address: Ipv4): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join(".");
}

/** `10.1.0.7/16`: the address as written and the subnet it lies in (RFC 4632); else undefined. */
export function parseCidr(text: string): { readonly address: Ipv4; readonly subnet: Subnet } | undefined {
  const [, quad = "", length = ""] = /^([\d.]+)\/(\d|[12]\d|3[0-2])$/.exec(text) ?? [];
  const address = parseIpv4(quad);
  if (address === undefined) return undefined;
  return { address, subnet: subnetOf(address, Number(length)) };
}

export function subnetOf(address: Ipv4, prefixLength: number): Subnet {
  const size = sizeOf(prefixLength);
  return { base: address - (address % size), prefixLength };
}

export function formatSubnet(subnet: Subnet): string {
  return `${formatIpv4(subnet.base)}/${subnet.prefixLength}`;
}

/** The highest address of the block: its broadcast address where it has one. */
export function lastAddress(subnet: Subnet): Ipv4 {
  return subnet.base + sizeOf(subnet.prefixLength) - 1;
}

export function contains(subnet: Subnet, address: Ipv4): boolean {
  return address >= subnet.base && address <= lastAddress(subnet);
}

export function overlaps(one: Subnet, other: Subnet): boolean {
  return one.base <= lastAddress(other) && other.base <= lastAddress(one);
}

export function isLoopback(address: Ipv4): boolean {
  return address >>> 24 === 127;
}

function sizeOf(prefixLength: number): number {
  return 2 ** (32 - prefixLength);
}
