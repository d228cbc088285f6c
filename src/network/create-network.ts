import { z } from "zod";
import { fail } from "../base/errors.ts";
import { parseIpv4 } from "./ipv4.ts";
import type { Addressing, Bridge, Wire } from "./network-record.ts";
import { type AddressingRequest, parseAddressing } from "./parse-addressing.ts";
import { parseLinkName, parseWire } from "./parse-wire.ts";

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

/** A bridge as asked for; what is null is to be chosen. */
export type BridgeRequest = AddressingRequest &
  Omit<Bridge, keyof Addressing | "link"> & { readonly link: string | null };
export type WireRequest = AddressingRequest & Omit<Wire, keyof Addressing>;

/** A network as asked for, of whichever driver. */
export type NetworkRequest =
  | { readonly driver: "bridge"; readonly bridge: BridgeRequest }
  | { readonly driver: "macvlan" | "ipvlan"; readonly wire: WireRequest };

const OPTION_PREFIX = "com.docker.network.bridge.";
const UNSUPPORTED_OPTIONS: readonly string[] = [
  "com.docker.network.bridge.inhibit_ipv4",
  "com.docker.network.bridge.trusted_host_interfaces",
  "com.docker.network.container_iface_prefix",
  "com.docker.network.host_ipv4",
  "com.docker.network.host_ipv6",
];
const DEFAULT_MTU = 1500;
const MTU_OPTION = "com.docker.network.driver.mtu";
export const BRIDGE_NAME_OPTION = `${OPTION_PREFIX}name`;

/**
 * Checks what a client wants of a network.
 * @throws invalid in Docker's words; not-implemented `NETWORK_IPV4` and the like for what is not there yet.
 */
export function parseNetworkRequest(body: NetworkCreate): NetworkRequest {
  assertSupported(body);
  assertOptionsSupported(body.Options);
  const addressing = parseAddressing(body.IPAM.Config, body.EnableIPv6);
  const { Options: options, Driver: driver } = body;
  if (driver === "macvlan" || driver === "ipvlan") {
    return { driver, wire: { ...addressing, ...parseWire(driver, options), mtu: parseMtu(options[MTU_OPTION], 0) } };
  }
  return {
    driver: "bridge",
    bridge: {
      ...addressing,
      link: parseLinkName(BRIDGE_NAME_OPTION, options[BRIDGE_NAME_OPTION]),
      interContainer: parseFlag(options, `${OPTION_PREFIX}enable_icc`),
      masquerade: parseFlag(options, `${OPTION_PREFIX}enable_ip_masquerade`),
      hostBinding: parseHostBinding(options[`${OPTION_PREFIX}host_binding_ipv4`]),
      mtu: parseMtu(options[MTU_OPTION], DEFAULT_MTU),
    },
  };
}

/** Docker's options that ask for what is not there; left aside they would make another network than was meant. */
function assertOptionsSupported(options: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(options)) {
    const isMode = /^com\.docker\.network\.bridge\.gateway_mode_ipv[46]$/.test(key);
    if ((isMode && value !== "nat" && value !== "") || UNSUPPORTED_OPTIONS.includes(key)) {
      fail("not-implemented", "NETWORK_OPTION", `the network option ${key}=${value} is not supported: leave it out`);
    }
  }
}

function assertSupported(body: NetworkCreate): void {
  if (body.Name.trim() === "") fail("invalid", "INVALID_NETWORK_NAME", "invalid network name: name is empty");
  const driver = body.Driver || "bridge";
  if (driver === "host" || driver === "null") {
    fail("forbidden", "SINGLE_NETWORK", `only one instance of "${driver}" network is allowed`);
  }
  if (driver === "overlay") {
    fail(
      "forbidden",
      "NOT_IN_SWARM",
      'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
    );
  }
  if (!["bridge", "macvlan", "ipvlan"].includes(driver))
    fail("not-found", "NETWORK_DRIVER", `plugin "${driver}" not found`);
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
function parseMtu(value: string | undefined, standard: number): number {
  if (value === undefined || value === "") return standard;
  const mtu = /^\d{1,5}$/.test(value) ? Number(value) : 0;
  if (mtu >= 68 && mtu <= 65535) return mtu;
  return fail("invalid", "INVALID_NETWORK_OPTION", `failed to parse ${MTU_OPTION} value: ${value} (invalid syntax)`);
}
