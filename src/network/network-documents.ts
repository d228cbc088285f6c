import { fail } from "../base/errors.ts";
import { assertKnownFilters, booleanFilter, type Filters, matchesAny, matchesLabels } from "../base/filters.ts";
import {
  addressingOf,
  type Endpoint,
  endpointNames,
  hasNames,
  isPredefined,
  type NetworkRecord,
} from "./network-record.ts";

/** The body of `GET /networks/{id}` (API 1.51); the list has the same with `Containers` empty. */
export type NetworkDocument = ReturnType<typeof networkDocument>;

export function networkDocument(network: NetworkRecord, endpoints: readonly Endpoint[]) {
  return {
    Name: network.name,
    Id: network.id,
    Created: network.created,
    Scope: "local",
    Driver: network.driver,
    EnableIPv4: true,
    EnableIPv6: Boolean(addressingOf(network)?.ipv6),
    IPAM: { Driver: "default", Options: null, Config: ipamConfig(network) },
    Internal: network.internal,
    Attachable: network.attachable,
    Ingress: false,
    ConfigFrom: { Network: "" },
    ConfigOnly: false,
    Containers: Object.fromEntries(
      endpoints.map((endpoint) => [
        endpoint.containerId,
        {
          Name: endpoint.containerName,
          EndpointID: endpoint.id,
          MacAddress: endpoint.place?.macAddress ?? "",
          IPv4Address: endpoint.place ? `${endpoint.place.address}/${endpoint.place.prefixLength}` : "",
          IPv6Address: endpoint.place?.ipv6 ? `${endpoint.place.ipv6.address}/${endpoint.place.ipv6.prefixLength}` : "",
        },
      ]),
    ),
    Options: network.options,
    Labels: network.labels,
  };
}

function ipamConfig(network: NetworkRecord) {
  const addressing = addressingOf(network);
  if (!addressing) return [];
  const { subnet, range, gateway, reserved, ipv6 } = addressing;
  return [
    {
      Subnet: subnet,
      ...(range === null ? {} : { IPRange: range }),
      Gateway: gateway,
      ...(Object.keys(reserved).length === 0 ? {} : { AuxiliaryAddresses: reserved }),
    },
    ...(ipv6 ? [{ Subnet: ipv6.subnet, Gateway: ipv6.gateway }] : []),
  ];
}

/** One entry of a container's `NetworkSettings.Networks`; without an endpoint (not running) only what was asked for. */
export function endpointDocument(network: NetworkRecord, endpoint: Endpoint | undefined, request = endpoint?.request) {
  return {
    IPAMConfig: request?.IPAMConfig ?? null,
    Links: request?.Links ?? null,
    Aliases: request?.Aliases ?? null,
    MacAddress: endpoint?.place?.macAddress ?? "",
    DriverOpts: request?.DriverOpts ?? null,
    GwPriority: request?.GwPriority ?? 0,
    NetworkID: network.id,
    EndpointID: endpoint?.id ?? "",
    Gateway: (endpoint && gatewayOf(network)) ?? "",
    IPAddress: endpoint?.place?.address ?? "",
    IPPrefixLen: endpoint?.place?.prefixLength ?? 0,
    IPv6Gateway: (endpoint && ipv6GatewayOf(network)) ?? "",
    GlobalIPv6Address: endpoint?.place?.ipv6?.address ?? "",
    GlobalIPv6PrefixLen: endpoint?.place?.ipv6?.prefixLength ?? 0,
    DNSNames: endpoint && hasNames(network) ? endpointNames(endpoint) : null,
  };
}

/** The way out; an internal network has none. */
export function gatewayOf(network: NetworkRecord): string | null {
  return network.internal ? null : (addressingOf(network)?.gateway ?? null);
}

export function ipv6GatewayOf(network: NetworkRecord): string | null {
  return network.internal ? null : (addressingOf(network)?.ipv6?.gateway ?? null);
}

const KNOWN_FILTERS = ["dangling", "driver", "id", "label", "name", "scope", "type"];

/**
 * The list's filters, checked at once, as a test for each network; names and ids match where they contain the value.
 * @throws invalid `INVALID_FILTER`
 */
export function networkFilter(filters: Filters): (network: NetworkRecord, isInUse: boolean) => boolean {
  assertKnownFilters(filters, KNOWN_FILTERS);
  const dangling = booleanFilter(filters, "dangling");
  for (const type of filters.get("type") ?? []) {
    if (type !== "custom" && type !== "builtin") {
      fail("invalid", "INVALID_FILTER", `invalid filter: 'type'='${type}'`);
    }
  }
  return (network, isInUse) => {
    const isCustom = !isPredefined(network.name);
    return (
      matchesAny(filters, "driver", (driver) => driver === network.driver) &&
      matchesAny(filters, "id", (part) => network.id.includes(part)) &&
      matchesAny(filters, "name", (part) => network.name.includes(part)) &&
      matchesAny(filters, "scope", (scope) => scope === "local") &&
      matchesAny(filters, "type", (type) => isCustom === (type === "custom")) &&
      matchesLabels(network.labels, filters) &&
      (dangling === undefined || dangling === (isCustom && !isInUse))
    );
  };
}
