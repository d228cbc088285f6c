import type { EndpointLink } from "../network/endpoint-link.ts";
import type { Endpoint } from "../network/network-record.ts";
import type { Neighbour } from "../network/networks.ts";
import { type PortMapping, parsePortRequests } from "../network/port-mapping.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";
import { activeLinks, type Link } from "./links.ts";

/** A starting container's places on its networks. */
export interface JoinedNetworks {
  readonly endpoints: readonly Endpoint[];
  /** For the shim to make. */
  readonly links: readonly EndpointLink[];
  /** Containers on the default bridge that it knows by links. */
  readonly neighbours: readonly Link[];
  /** It asks the engine for names. */
  readonly hasNames: boolean;
  /** Ports to hold on the host; a `hostPort` of 0 is the kernel's choice. */
  readonly claimed: readonly PortMapping[];
}

/**
 * Allocates addresses and claims ports on all networks that the container asks for. What it took is given back with
 * `networks.release`, also after a failure. @throws in Docker's words for a taken address or port.
 */
export async function joinNetworks(parts: EngineParts, record: ContainerRecord): Promise<JoinedNetworks> {
  const endpoints: Endpoint[] = [];
  for (const [name, request] of Object.entries(record.networks)) {
    endpoints.push(await parts.networks.connect(neighbourOf(record), name, request));
  }
  const { links, main, hasNames } = parts.networks.layoutOf(endpoints);
  const requests = parsePortRequests({ ...record.hostConfig, ExposedPorts: record.config.ExposedPorts });
  const claimed =
    main === undefined || requests.length === 0 ? [] : await parts.networks.publishing.claim(main, requests);
  return { endpoints, links, neighbours: activeLinks(parts, record), claimed, hasNames };
}

/** A container as its networks know it. */
export function neighbourOf({ id, name, config }: ContainerRecord): Neighbour {
  return { id, name, hostname: config.Hostname };
}

/** The claimed ports with the numbers that the shim got, in the same order. */
export function boundPorts(claimed: readonly PortMapping[], ports: readonly number[]): PortMapping[] {
  return claimed.map((mapping, index) => ({ ...mapping, hostPort: ports[index] ?? mapping.hostPort }));
}
