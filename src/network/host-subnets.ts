import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { type Ipv4, parseIpv4, type Subnet, subnetOf } from "./ipv4.ts";

/** A route of the host's main table (proc(5), /proc/net/route), the default route left out. */
export interface HostRoute {
  readonly link: string;
  readonly subnet: Subnet;
}

export function hostRoutes(): HostRoute[] {
  return parseRouteTable(readFileSync("/proc/net/route", "latin1"));
}

/**
 * What a new network must not overlap: every route, every interface's address (a /32 has no route in the main table), and
 * the resolvers, which a container could no longer reach.
 */
export function hostSubnets(): Subnet[] {
  const interfaces = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const addresses = interfaces.flatMap(({ address }) => parseIpv4(address) ?? []);
  return [
    ...hostRoutes().map(({ subnet }) => subnet),
    ...[...addresses, ...resolvers()].map((address) => subnetOf(address, 32)),
  ];
}

/** Reads the kernel's table: addresses are hexadecimal numbers in the machine's byte order. */
export function parseRouteTable(table: string): HostRoute[] {
  return table
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const [link, destination, , , , , , mask] = line.trim().split(/\s+/);
      if (link === undefined || destination === undefined || mask === undefined) return [];
      const prefixLength = fromMachineOrder(mask).toString(2).replaceAll("0", "").length;
      return prefixLength === 0 ? [] : [{ link, subnet: subnetOf(fromMachineOrder(destination), prefixLength) }];
    });
}

/** Lighter is built for little-endian machines (x86-64 and arm64). */
function fromMachineOrder(hexadecimal: string): Ipv4 {
  return Buffer.from(hexadecimal, "hex").readUInt32LE(0);
}

function resolvers(): Ipv4[] {
  let text = "";
  try {
    text = readFileSync("/etc/resolv.conf", "utf8");
  } catch {
    // A host without a resolver has none that could be hidden.
  }
  return [...text.matchAll(/^nameserver\s+(\S+)/gm)].flatMap(([, address = ""]) => parseIpv4(address) ?? []);
}
