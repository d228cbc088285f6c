import { fail } from "../base/errors.ts";
import type { Filters } from "../base/filters.ts";
import { newId } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { Store } from "../store/database.ts";
import { lowestFreeAddress, requestedAddress } from "./address-pool.ts";
import { isolatePort, reflectPort } from "./bridge-link.ts";
import { Bridges, ownSubnets } from "./bridges.ts";
import { type NetworkCreate, parseBridgeRequest } from "./create-network.ts";
import { formatIpv4, type Ipv4, parseIpv4 } from "./ipv4.ts";
import { macAddressOf, parseMacAddress } from "./mac-address.ts";
import {
  endpointDocument,
  gatewayOf,
  type NetworkDocument,
  networkDocument,
  networkFilter,
} from "./network-documents.ts";
import {
  type Bridge,
  type Endpoint,
  type EndpointRequest,
  isPredefined,
  type NetworkRecord,
  poolOf,
} from "./network-record.ts";
import { NetworkStore } from "./network-store.ts";
import { defaultBridge, plainNetwork, userNetwork } from "./new-network.ts";
import type { PortMapping, PortRequest } from "./port-mapping.ts";
import { claimPorts } from "./published-ports.ts";

/** The pair of links that joins a container to a bridge, as the shim makes it. */
export interface EndpointLink {
  readonly bridge: string;
  /** The host's end; it goes when the container's namespace goes. */
  readonly hostName: string;
  readonly containerName: string;
  readonly mac: string;
  readonly address: string;
  readonly prefixLength: number;
  /** null: no default route (an internal network). */
  readonly gateway: string | null;
  /** Bytes. */
  readonly mtu: number;
}

const DEFAULT_RUN = "/run/lighter";

/**
 * The engine's networks: records, addresses and published ports. On the way of a plain `run` lie one transaction each for
 * {@link connect} and {@link release}, and no process once the bridge is up.
 */
export class Networks {
  readonly #records: NetworkStore;
  readonly #bridges: Bridges;
  readonly #defaultLink: string | null;

  /** @param run the engine's run directory, by which its table and links are told from other engines'. */
  constructor(store: Store, run: string, log: Log) {
    this.#records = new NetworkStore(store);
    this.#bridges = new Bridges(this.#records, run, log);
    this.#defaultLink = run === DEFAULT_RUN ? "lighter0" : null;
  }

  /** Makes the records of `bridge`, `host` and `none` where they are missing. Nothing on the host changes. */
  ensureDefaults(): void {
    this.#records.store.transaction(() => {
      if (!this.#records.hasName("bridge")) {
        this.#records.insertNetwork(defaultBridge(this.#defaultLink, ownSubnets(this.#records)));
      }
      if (!this.#records.hasName("host")) this.#records.insertNetwork(plainNetwork("host", "host"));
      if (!this.#records.hasName("none")) this.#records.insertNetwork(plainNetwork("none", "null"));
    });
  }

  /** @throws not-found `NETWORK_NOT_FOUND`; invalid `NETWORK_AMBIGUOUS` */
  resolve(reference: string): NetworkRecord {
    return this.#records.resolve(reference);
  }

  /** As {@link resolve}, but undefined where no one network is meant. */
  find(reference: string): NetworkRecord | undefined {
    return this.#records.find(reference);
  }

  inspect(reference: string): NetworkDocument {
    const network = this.#records.resolve(reference);
    return networkDocument(network, this.#records.endpointsOn(network.id));
  }

  /** @throws invalid `INVALID_FILTER` */
  list(filters: Filters): NetworkDocument[] {
    const matches = networkFilter(filters);
    return this.#records
      .networks()
      .filter((network) => matches(network, this.#isInUse(network)))
      .map((network) => networkDocument(network, []));
  }

  /**
   * Makes a user's network and its bridge.
   * @throws conflict `NETWORK_EXISTS`; forbidden `PREDEFINED_NETWORK`, `SUBNET_OVERLAPS`; invalid in Docker's words.
   */
  async create(body: NetworkCreate): Promise<NetworkRecord> {
    const { Name: name } = body;
    if (isPredefined(name) || name === "default") {
      fail("forbidden", "PREDEFINED_NETWORK", `operation is not permitted on predefined ${name} network`);
    }
    const request = parseBridgeRequest(body);
    const network = this.#records.store.transaction(() => {
      if (this.#records.hasName(name)) fail("conflict", "NETWORK_EXISTS", `network with name ${name} already exists`);
      const record = userNetwork(body, request, ownSubnets(this.#records));
      this.#records.insertNetwork(record);
      return record;
    });
    try {
      await this.#bridges.raise(network);
    } catch (error) {
      this.#records.deleteNetwork(network.id);
      throw error;
    }
    return this.#records.network(network.id);
  }

  /** @throws forbidden `PREDEFINED_NETWORK`, `NETWORK_IN_USE`; not-found */
  async remove(reference: string): Promise<NetworkRecord> {
    const network = this.#records.resolve(reference);
    if (isPredefined(network.name)) {
      fail("forbidden", "PREDEFINED_NETWORK", `${network.name} is a pre-defined network and cannot be removed`);
    }
    await this.#bridges.remove(network, () => {
      if (this.#isInUse(network)) {
        fail(
          "forbidden",
          "NETWORK_IN_USE",
          `error while removing network: network ${network.name} id ${network.id} has active endpoints`,
        );
      }
      this.#records.deleteNetwork(network.id);
    });
    return network;
  }

  /** Removes every user's network without endpoints that the filters let through; returns their names. */
  async prune(filters: Filters): Promise<string[]> {
    const matches = networkFilter(filters);
    const unused = this.#records
      .networks()
      .filter((network) => !isPredefined(network.name) && !this.#isInUse(network) && matches(network, false));
    for (const network of unused) await this.remove(network.id);
    return unused.map(({ name }) => name);
  }

  /**
   * Gives a starting container its place on a network: an address, a hardware address, a record. Makes the bridge at its
   * first use.
   * @throws forbidden `ENDPOINT_EXISTS`; conflict `ADDRESS_IN_USE`; unavailable `NO_FREE_ADDRESS`; invalid for bad requests.
   */
  async connect(
    container: { readonly id: string; readonly name: string },
    reference: string,
    request: EndpointRequest,
  ): Promise<Endpoint> {
    const asked = this.#records.resolve(reference);
    await this.#bridges.raise(asked);
    return this.#records.store.transaction(() => {
      // Read again: while the bridge was raised, its subnet may have moved, or the network gone.
      const network = this.#records.network(asked.id);
      const endpoint = this.#newEndpoint(container, network, request);
      this.#records.insertEndpoint(endpoint);
      return endpoint;
    });
  }

  /** Ends a container's place on one network. @returns whether it had one. */
  disconnect(containerId: string, reference: string): boolean {
    return this.#records.deleteEndpoint(this.#records.resolve(reference).id, containerId);
  }

  /**
   * Gives back all of a container's addresses and ports; joins a transaction that is open. The rules follow with
   * {@link unpublish}. Safe to repeat.
   */
  release(containerId: string): void {
    this.#records.store.transaction(() => {
      this.#records.deleteEndpointsOf(containerId);
      this.#records.deletePortsOf(containerId);
    });
  }

  /** A running container's endpoints, in the order in which they were connected. */
  endpointsOf(containerId: string): Endpoint[] {
    return this.#records.endpointsOf(containerId);
  }

  /** `inspect` of a network shows containers by name. */
  renameContainer(containerId: string, name: string): void {
    for (const endpoint of this.#records.endpointsOf(containerId)) {
      this.#records.updateEndpoint({ ...endpoint, containerName: name });
    }
  }

  /** One entry of a container's `NetworkSettings.Networks`; null where the network is gone. */
  settingsDocument(containerId: string, reference: string, request: EndpointRequest) {
    const network = this.#records.find(reference);
    if (!network) return null;
    const endpoint = this.#records.endpointsOf(containerId).find(({ networkId }) => networkId === network.id);
    return endpointDocument(network, endpoint, request);
  }

  /** What the shim needs to make the container's link; null on `host` and `none`. */
  linkOf(endpoint: Endpoint): EndpointLink | null {
    const network = this.#records.network(endpoint.networkId);
    const { place } = endpoint;
    if (!network.bridge || !place) return null;
    return {
      bridge: network.bridge.link,
      hostName: hostLinkName(endpoint),
      containerName: "eth0",
      mac: place.macAddress,
      address: place.address,
      prefixLength: place.prefixLength,
      gateway: gatewayOf(network),
      mtu: network.bridge.mtu,
    };
  }

  /** To be called when the shim has made the link: keeps it from its neighbours where the network says so. */
  linked(endpoint: Endpoint): void {
    if (this.#records.network(endpoint.networkId).bridge?.interContainer === false) isolatePort(hostLinkName(endpoint));
  }

  /**
   * Settles a container's host ports before its shim binds them; those with `hostPort` 0 are the kernel's choice.
   * Nothing is published on an internal network, nor on `host` and `none`.
   * @throws internal `PORT_NOT_PUBLISHED` in Docker's words where another container has one.
   */
  async claimPorts(endpoint: Endpoint, requests: readonly PortRequest[]): Promise<PortMapping[]> {
    const network = this.#records.network(endpoint.networkId);
    if (!network.bridge || !endpoint.place || network.internal) return [];
    return claimPorts(this.#records, endpoint, endpoint.place.address, requests, network.bridge.hostBinding);
  }

  /**
   * Leads the container's ports to it, with one atomic batch, once its link is there; `mappings` with the numbers that the
   * shim has bound.
   */
  async publish(containerId: string, mappings: readonly PortMapping[]): Promise<void> {
    if (mappings.length === 0) return;
    this.#records.store.transaction(() => {
      this.#records.deletePortsOf(containerId);
      for (const mapping of mappings) this.#records.insertPort(containerId, mapping, true);
    });
    try {
      for (const endpoint of this.#records.endpointsOf(containerId)) {
        if (endpoint.place) reflectPort(hostLinkName(endpoint));
      }
      await this.#bridges.applyRules();
    } catch (error) {
      this.#records.deletePortsOf(containerId);
      throw error;
    }
  }

  /** Takes a container's ports from the rules, also after {@link release}. */
  async unpublish(containerId: string): Promise<void> {
    this.#records.deletePortsOf(containerId);
    await this.#bridges.applyRules();
  }

  /** What is published for a container. */
  ports(containerId: string): PortMapping[] {
    return this.#records.ports(containerId);
  }

  /**
   * Start-up: forgets endpoints and ports of containers that are not alive, completes the bridges that are in use or that
   * an earlier engine left, and writes the rules anew, at once; open connections go on.
   */
  async reconcile(liveContainerIds: readonly string[]): Promise<void> {
    this.#records.store.transaction(() => this.#records.keepOnly(liveContainerIds));
    await this.#bridges.restore();
  }

  /**
   * Takes the table and all bridges off the host, unless a container is on one of them. Records stay; the next use makes
   * everything again. For the end of an engine that leaves nothing running.
   * @returns whether the host is clean now.
   */
  teardown(): Promise<boolean> {
    return this.#bridges.teardown();
  }

  #isInUse(network: NetworkRecord): boolean {
    return this.#records.endpointsOn(network.id).length > 0;
  }

  #newEndpoint(
    container: { readonly id: string; readonly name: string },
    network: NetworkRecord,
    request: EndpointRequest,
  ): Endpoint {
    if (this.#records.endpointsOn(network.id).some(({ containerId }) => containerId === container.id)) {
      fail(
        "forbidden",
        "ENDPOINT_EXISTS",
        `endpoint with name ${container.name} already exists in network ${network.name}`,
      );
    }
    return {
      id: newId(),
      networkId: network.id,
      containerId: container.id,
      containerName: container.name,
      place: network.bridge && choosePlace(network, network.bridge, request, this.#records.addressesOn(network.id)),
      request,
    };
  }
}

function choosePlace(
  network: NetworkRecord,
  bridge: Bridge,
  request: EndpointRequest,
  taken: ReadonlySet<Ipv4>,
): Endpoint["place"] {
  const address = chooseAddress(network, bridge, request, taken);
  return {
    address: formatIpv4(address),
    prefixLength: poolOf(bridge).subnet.prefixLength,
    macAddress: request.MacAddress ? parseMacAddress(request.MacAddress) : macAddressOf(address),
  };
}

function chooseAddress(
  network: NetworkRecord,
  bridge: Bridge,
  request: EndpointRequest,
  taken: ReadonlySet<Ipv4>,
): Ipv4 {
  const wanted = request.IPAMConfig?.IPv4Address;
  if (!wanted) return lowestFreeAddress(poolOf(bridge), taken);
  if (!bridge.subnetFixed) {
    fail(
      "invalid",
      "ADDRESS_NOT_CONFIGURABLE",
      isPredefined(network.name)
        ? "user specified IP address is supported on user defined networks only"
        : "user specified IP address is supported only when connecting to networks with user configured subnets",
    );
  }
  const address = parseIpv4(wanted);
  if (address === undefined) fail("invalid", "INVALID_ADDRESS", `invalid IPv4 address: ${wanted}`);
  return requestedAddress(poolOf(bridge), address, taken);
}

/** 11 digits of the endpoint's id fill a link's name (IFNAMSIZ), so that engines side by side do not collide. */
function hostLinkName(endpoint: Endpoint): string {
  return `veth${endpoint.id.slice(0, 11)}`;
}
