import { fail } from "../base/errors.ts";
import { gatewayOf, ipv6GatewayOf } from "./network-documents.ts";
import type { Endpoint, EndpointRequest, NetworkRecord } from "./network-record.ts";
import { parseLinkName } from "./parse-wire.ts";

const LINK_NAME_OPTION = "com.docker.network.endpoint.ifname";

/** What joins a container to a network, as the shim makes it: a pair of links, or one on the host's. */
export interface EndpointLink {
  /** Of a pair: what the host's end is put on; "" otherwise. */
  readonly bridge: string;
  /** null: a pair. */
  readonly child: { readonly kind: "macvlan" | "ipvlan"; readonly parent: string; readonly mode: number } | null;
  /** The host's end; it goes when the container's namespace goes. */
  readonly hostName: string;
  readonly containerName: string;
  readonly mac: string;
  readonly address: string;
  readonly prefixLength: number;
  /** null: no default route (an internal network). */
  readonly gateway: string | null;
  /** null: no IPv6 on the network. */
  readonly ipv6: { readonly address: string; readonly prefixLength: number; readonly gateway: string | null } | null;
  /** Bytes. */
  readonly mtu: number;
}

/** An endpoint with its network. */
export interface Joined {
  readonly endpoint: Endpoint;
  readonly network: NetworkRecord;
}

/** What the shim needs to make an endpoint's link; null on `host` and `none`. @param isDefault its gateway is the way out. */
export function linkOf({ endpoint, network }: Joined, isDefault: boolean): EndpointLink | null {
  const { place } = endpoint;
  const { bridge, wire } = network;
  const ground = bridge ?? wire;
  if (!ground || !place) return null;
  return {
    bridge: bridge?.link ?? "",
    child: wire && { kind: wire.kind, parent: wire.parent, mode: wire.mode },
    hostName: hostLinkName(endpoint),
    containerName: place.linkName,
    mac: place.macAddress,
    address: place.address,
    prefixLength: place.prefixLength,
    gateway: isDefault ? gatewayOf(network) : null,
    ipv6: place.ipv6 && { ...place.ipv6, gateway: isDefault ? ipv6GatewayOf(network) : null },
    mtu: ground.mtu,
  };
}

/**
 * The endpoint whose gateway is a container's way out: of those that have one, that of the highest `GwPriority`, then the
 * first by its network's name, as Docker chooses.
 */
export function defaultEndpoint(joined: readonly Joined[]): Joined | undefined {
  return joined
    .filter(({ network }) => gatewayOf(network) !== null)
    .toSorted(
      (one, other) =>
        (other.endpoint.request.GwPriority ?? 0) - (one.endpoint.request.GwPriority ?? 0) ||
        (one.network.name < other.network.name ? -1 : 1),
    )[0];
}

/**
 * The name of a container's link on one more network: the one asked for, or the first of `eth0`, `eth1`... that is free.
 * @throws conflict `LINK_NAME_IN_USE`; invalid `INVALID_LINK_NAME`
 */
export function chooseLinkName(endpoints: readonly Endpoint[], { DriverOpts: options }: EndpointRequest): string {
  const taken = new Set(endpoints.map(({ place }) => place?.linkName));
  const wanted = parseLinkName(LINK_NAME_OPTION, options?.[LINK_NAME_OPTION]);
  if (wanted !== null) {
    if (taken.has(wanted) || wanted === "lo") {
      fail(
        "conflict",
        "LINK_NAME_IN_USE",
        `the container has a link ${wanted} already: choose another ${LINK_NAME_OPTION}`,
      );
    }
    return wanted;
  }
  for (let index = 0; ; index++) {
    if (!taken.has(`eth${index}`)) return `eth${index}`;
  }
}

/** 11 digits of the endpoint's id fill a link's name (IFNAMSIZ), so that engines side by side do not collide. */
export function hostLinkName(endpoint: Endpoint): string {
  return `veth${endpoint.id.slice(0, 11)}`;
}
