import { z } from "zod";
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
import type { Bridge } from "./network-record.ts";

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? "");
const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);
const textMap = z
  .record(z.string(), z.string())
  .nullish()
  .transform((value) => value ?? {});

/** The body of `POST /networks/create`. */
export const NetworkCreateSchema = z.object({
  Name: text,
  Driver: text,
  Scope: text,
  Internal: flag,
  Attachable: flag,
  Ingress: flag,
  ConfigOnly: flag,
  EnableIPv4: z.boolean().nullish(),
  EnableIPv6: flag,
  IPAM: z
    .object({
      Driver: text,
      Options: textMap,
      Config: z
        .array(z.object({ Subnet: text, IPRange: text, Gateway: text, AuxiliaryAddresses: textMap }))
        .nullish()
        .transform((value) => value ?? []),
    })
    .nullish()
    .transform((value) => value ?? { Driver: "", Options: {}, Config: [] }),
  Options: textMap,
  Labels: textMap,
});
export type NetworkCreate = z.infer<typeof NetworkCreateSchema>;

/** A bridge as asked for; a null subnet is to be chosen. */
export type BridgeRequest = Omit<Bridge, "link" | "subnet" | "gateway" | "ipv6"> & {
  readonly link: string | null;
  readonly subnet: string | null;
  readonly gateway: string | null;
  /** `choose`: some subnet of its own. */
  readonly ipv6: Bridge["ipv6"] | "choose";
};

const OPTION_PREFIX = "com.docker.network.bridge.";
/** 224.0.0.0/4 and what is reserved above it (RFC 5771). */
const MULTICAST_BASE = 0xe000_0000;
const MTU_OPTION = "com.docker.network.driver.mtu";
export const BRIDGE_NAME_OPTION = `${OPTION_PREFIX}name`;

/**
 * Checks what a client wants of a bridge network.
 * @throws invalid in Docker's words; not-implemented `NETWORK_DRIVER`, `NETWORK_IPV4` and the like for what is not there yet.
 */
export function parseBridgeRequest(body: NetworkCreate): BridgeRequest {
  assertSupported(body);
  const { Options: options } = body;
  const configs = Map.groupBy(body.IPAM.Config, ({ Subnet }) => (Subnet.includes(":") ? "ipv6" : "ipv4"));
  return {
    ...parseAddresses(configs.get("ipv4") ?? []),
    ipv6: parseIpv6Addresses(body.EnableIPv6, configs.get("ipv6") ?? []),
    link: parseLinkName(options[BRIDGE_NAME_OPTION]),
    interContainer: parseFlag(options, `${OPTION_PREFIX}enable_icc`),
    masquerade: parseFlag(options, `${OPTION_PREFIX}enable_ip_masquerade`),
    hostBinding: parseHostBinding(options[`${OPTION_PREFIX}host_binding_ipv4`]),
    mtu: parseMtu(options[MTU_OPTION]),
  };
}

/** The first address that a subnet has for hosts, as Docker takes it. */
export function defaultGateway(subnet: Subnet): string {
  return formatIpv4(subnet.prefixLength < 31 ? subnet.base + 1 : subnet.base);
}

function assertSupported(body: NetworkCreate): void {
  if (body.Name.trim() === "") fail("invalid", "INVALID_NETWORK_NAME", "invalid network name: name is empty");
  const driver = body.Driver || "bridge";
  if (driver === "host" || driver === "null") {
    fail("forbidden", "SINGLE_NETWORK", `only one instance of "${driver}" network is allowed`);
  }
  if (driver !== "bridge") fail("not-found", "NETWORK_DRIVER", `plugin "${driver}" not found`);
  if (body.IPAM.Driver !== "" && body.IPAM.Driver !== "default") {
    fail("not-found", "IPAM_DRIVER", `plugin "${body.IPAM.Driver}" not found`);
  }
  if (body.EnableIPv4 === false) {
    fail("not-implemented", "NETWORK_IPV4", "networks of IPv6 alone are not supported: leave --ipv4=false out");
  }
  if (body.Ingress || body.ConfigOnly || body.Scope === "swarm") {
    fail("not-implemented", "NETWORK_SCOPE", "networks of a swarm and configuration-only networks are not supported");
  }
}

function parseAddresses(configs: NetworkCreate["IPAM"]["Config"]) {
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
  [config, ...others]: NetworkCreate["IPAM"]["Config"],
): BridgeRequest["ipv6"] {
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

/** What the kernel takes (dev_valid_name), less what would have to be quoted. */
function parseLinkName(name: string | undefined): string | null {
  if (name === undefined || name === "") return null;
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/.test(name)) return name;
  return fail(
    "invalid",
    "INVALID_LINK_NAME",
    `invalid ${BRIDGE_NAME_OPTION} "${name}": a link's name has 1 to 15 of the characters [a-zA-Z0-9_.-]`,
  );
}

function parseFlag(options: Readonly<Record<string, string>>, key: string): boolean {
  const value = options[key];
  if (value === undefined || /^(1|t|true)$/i.test(value)) return true;
  if (/^(0|f|false)$/i.test(value)) return false;
  return fail("invalid", "INVALID_NETWORK_OPTION", `failed to parse ${key} value: ${value} (invalid syntax)`);
}

function parseHostBinding(address: string | undefined): string {
  if (address === undefined || address === "") return "0.0.0.0";
  if (parseIpv4(address) !== undefined) return address;
  return fail("invalid", "INVALID_NETWORK_OPTION", `invalid ${OPTION_PREFIX}host_binding_ipv4 "${address}"`);
}

/** 68 bytes is the least that IPv4 works with (RFC 791), 65535 the most that a bridge takes. */
function parseMtu(value: string | undefined): number {
  if (value === undefined || value === "") return 1500;
  const mtu = /^\d{1,5}$/.test(value) ? Number(value) : 0;
  if (mtu >= 68 && mtu <= 65535) return mtu;
  return fail("invalid", "INVALID_NETWORK_OPTION", `failed to parse ${MTU_OPTION} value: ${value} (invalid syntax)`);
}
