import { z } from "zod";
import { fail } from "../base/errors.ts";
import { shortId } from "../base/ids.ts";
import type { AddressPool } from "./address-pool.ts";
import { parseCidr, parseIpv4 } from "./ipv4.ts";

/** Where a network's addresses come from. */
const AddressingSchema = z.object({
  /** CIDR. */
  subnet: z.string(),
  /** The client named the subnet; one that Lighter chose may still move before the network's first use. */
  subnetFixed: z.boolean(),
  gateway: z.string(),
  /** CIDR within the subnet from which addresses are given out, where the client narrowed it. */
  range: z.string().nullable(),
  /** null: no IPv6 on it. A subnet of Lighter's choice allows no addresses of the client's choice. */
  ipv6: z.object({ subnet: z.string(), fixed: z.boolean(), gateway: z.string() }).nullable().default(null),
  /** Host name to address: what other machines on the network have. */
  reserved: z.record(z.string(), z.string()),
});
export type Addressing = z.infer<typeof AddressingSchema>;

/** What a bridge network is on the host: a link with the gateway's address, and rules. */
const BridgeSchema = AddressingSchema.extend({
  /** The bridge's own name; `lighter0` or `lt-<12 hex of the network's id>`, or what the client chose. */
  link: z.string(),
  /** Containers on it may talk to each other (`com.docker.network.bridge.enable_icc`). */
  interContainer: z.boolean(),
  masquerade: z.boolean(),
  mtu: z.int(),
  /** The host address that ports are published on where `-p` names none. */
  hostBinding: z.string(),
});
export type Bridge = z.infer<typeof BridgeSchema>;

/** A network that one of the host's links leads to: each container has a link of its own on that one. */
const WireSchema = AddressingSchema.extend({
  kind: z.enum(["macvlan", "ipvlan"]),
  /** The host's link. */
  parent: z.string(),
  /** MACVLAN_MODE_* or IPVLAN_MODE_* of linux/if_link.h. */
  mode: z.int(),
  /** 0: the parent's. */
  mtu: z.int(),
});
export type Wire = z.infer<typeof WireSchema>;

/** One network as the store keeps it. */
export const NetworkRecordSchema = z.object({
  id: z.string(),
  name: z.string(),
  created: z.string(),
  driver: z.enum(["bridge", "macvlan", "ipvlan", "host", "null"]),
  /** No way out: neither routed nor masqueraded, no published ports. */
  internal: z.boolean(),
  attachable: z.boolean(),
  labels: z.record(z.string(), z.string()),
  /** Driver options as the client gave them. */
  options: z.record(z.string(), z.string()),
  /** null for all other drivers. */
  bridge: BridgeSchema.nullable(),
  /** null for all drivers but macvlan and ipvlan. */
  wire: WireSchema.nullable().default(null),
});
export type NetworkRecord = z.infer<typeof NetworkRecordSchema>;

/** What a client asks of an endpoint: the part of Docker's EndpointSettings that is a wish, in its field names. */
export const EndpointRequestSchema = z.object({
  IPAMConfig: z
    .object({
      IPv4Address: z.string().optional(),
      IPv6Address: z.string().optional(),
      LinkLocalIPs: z.array(z.string()).nullish(),
    })
    .nullish(),
  Links: z.array(z.string()).nullish(),
  MacAddress: z.string().optional(),
  Aliases: z.array(z.string()).nullish(),
  DriverOpts: z.record(z.string(), z.string()).nullish(),
  GwPriority: z.int().optional(),
});
export type EndpointRequest = z.infer<typeof EndpointRequestSchema>;

/** A running container's place on a network. */
export const EndpointSchema = z.object({
  id: z.string(),
  networkId: z.string(),
  containerId: z.string(),
  containerName: z.string(),
  /** A further name that neighbours know it by. */
  hostname: z.string().default(""),
  /** null on `host` and `none`. */
  place: z
    .object({
      address: z.string(),
      prefixLength: z.int(),
      ipv6: z.object({ address: z.string(), prefixLength: z.int() }).nullable().default(null),
      macAddress: z.string(),
      /** The link's name within the container. */
      linkName: z.string().default("eth0"),
    })
    .nullable(),
  request: EndpointRequestSchema,
});
export type Endpoint = z.infer<typeof EndpointSchema>;

/** The networks that every engine has and no client may make or remove. */
export const PREDEFINED_NETWORKS = ["bridge", "host", "none"] as const;

export function isPredefined(name: string): boolean {
  return PREDEFINED_NETWORKS.some((predefined) => predefined === name);
}

/** Only users' networks have names: on the others containers know each other by links alone. */
export function hasNames(network: NetworkRecord): boolean {
  return addressingOf(network) !== null && !isPredefined(network.name);
}

/** null for `host` and `none`. */
export function addressingOf({ bridge, wire }: NetworkRecord): Addressing | null {
  return bridge ?? wire;
}

/** The names by which neighbours on a user's network find a container, its own first; as Docker gives them. */
export function endpointNames({ containerName, containerId, hostname, request }: Endpoint): string[] {
  const names = [containerName, ...(request.Aliases ?? []), shortId(containerId), hostname];
  return [...new Set(names.filter((name) => name !== ""))];
}

/** @throws internal `STORE_DAMAGED` where a record of ours does not parse. */
export function poolOf(addressing: Addressing): AddressPool {
  const subnet = parseCidr(addressing.subnet)?.subnet;
  const gateway = parseIpv4(addressing.gateway);
  const range = addressing.range === null ? subnet : parseCidr(addressing.range)?.subnet;
  if (!subnet || gateway === undefined || !range) {
    fail(
      "internal",
      "STORE_DAMAGED",
      `the record of a network with the subnet ${addressing.subnet} has no valid addresses`,
    );
  }
  return {
    subnet,
    gateway,
    range,
    reserved: Object.values(addressing.reserved).flatMap((text) => parseIpv4(text) ?? []),
  };
}

/** Bits that all addresses of an IPv6 subnet share. */
export function ipv6PrefixLength({ subnet }: { readonly subnet: string }): number {
  return Number(subnet.slice(subnet.indexOf("/") + 1));
}
