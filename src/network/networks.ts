import { fail } from "../base/errors.ts";
import type { Filters } from "../base/filters.ts";
import { newId } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { Store } from "../store/database.ts";
import { isolatePort, linkExists } from "./bridge-link.ts";
import { Bridges } from "./bridges.ts";
import { type NetworkCreate, parseNetworkRequest } from "./create-network.ts";
import { chooseLinkName, defaultEndpoint, type EndpointLink, hostLinkName, linkOf } from "./endpoint-link.ts";
import { choosePlace } from "./endpoint-place.ts";
import type { Ipv6 } from "./ipv6.ts";
import { Names } from "./names.ts";
import { endpointDocument, type NetworkDocument, networkDocument, networkFilter } from "./network-documents.ts";
import {
  type Addressing,
  addressingOf,
  type Endpoint,
  type EndpointRequest,
  hasNames,
  isPredefined,
  type NetworkRecord,
} from "./network-record.ts";
import { NetworkStore } from "./network-store.ts";
import { defaultBridge, plainNetwork, userNetwork } from "./new-network.ts";
import { Publishing } from "./publishing.ts";

/** A container as its neighbours know it. */
export interface Neighbour {
  readonly id: string;
  readonly name: string;
  readonly hostname?: string;
}

/** A container's places on its networks, taken together. */
export interface Layout {
  /** In the order in which it was connected. */
  readonly links: readonly EndpointLink[];
  /** The endpoint that is its way out, and where its ports are published; undefined where all networks are internal. */
  readonly main: Endpoint | undefined;
  /** It is on a user's network, and asks us for names. */
  readonly hasNames: boolean;
}

const NO_ADDRESSES: ReadonlySet<Ipv6> = new Set();
const DEFAULT_RUN = "/run/lighter";

/**
 * The engine's networks: records, addresses and links. On the way of a plain `run` lie one transaction each for
 * {@link connect} and {@link release}, and no process once the bridge is up.
 */
export class Networks {
  readonly #records: NetworkStore;
  readonly #bridges: Bridges;
  readonly #defaultLink: string | null;
  /** What containers on users' networks are called there. */
  readonly names: Names;
  /** The host's ports that lead to containers. */
  readonly publishing: Publishing;

  /** @param run the engine's run directory, by which its table and links are told from other engines'. */
  constructor(store: Store, run: string, log: Log) {
    this.#records = new NetworkStore(store);
    this.#bridges = new Bridges(this.#records, run, log);
    this.names = new Names(this.#records);
    this.publishing = new Publishing(this.#records, this.#bridges);
    this.#defaultLink = run === DEFAULT_RUN ? "lighter0" : null;
  }

  /** Makes the records of `bridge`, `host` and `none` where they are missing. Nothing on the host changes. */
  ensureDefaults(): void {
    this.#records.store.transaction(() => {
      if (!this.#records.hasName("bridge")) {
        this.#records.insertNetwork(defaultBridge(this.#defaultLink, this.#records.networks()));
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
    const request = parseNetworkRequest(body);
    if (request.driver !== "bridge" && !linkExists(request.wire.parent)) {
      fail("invalid", "NO_PARENT", `the host has no link ${request.wire.parent}: name one of "ip link" with -o parent`);
    }
    const network = this.#records.store.transaction(() => {
      if (this.#records.hasName(name)) fail("conflict", "NETWORK_EXISTS", `network with name ${name} already exists`);
      const record = userNetwork(body, request, this.#records.networks());
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

  /** Removes every user's network without endpoints that is chosen; returns them. */
  async prune(matches: (network: NetworkRecord) => boolean): Promise<NetworkRecord[]> {
    const unused = this.#records
      .networks()
      .filter((network) => !isPredefined(network.name) && !this.#isInUse(network) && matches(network));
    for (const network of unused) await this.remove(network.id);
    return unused;
  }

  /**
   * Gives a starting container its place on a network: an address, a hardware address, a record. Makes the bridge at its
   * first use.
   * @throws forbidden `ENDPOINT_EXISTS`; conflict `ADDRESS_IN_USE`; unavailable `NO_FREE_ADDRESS`; invalid for bad requests.
   */
  async connect(container: Neighbour, reference: string, request: EndpointRequest): Promise<Endpoint> {
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
   * `publishing.withdraw`. Safe to repeat.
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
    return this.layout(endpoint.containerId).links.find(({ hostName }) => hostName === hostLinkName(endpoint)) ?? null;
  }

  /** How a container is to be joined to all its networks, as the records have it now, or as it would be without one. */
  layout(containerId: string, without?: string): Layout {
    return this.layoutOf(this.#records.endpointsOf(containerId).filter(({ networkId }) => networkId !== without));
  }

  /** As {@link layout}, for who has the container's endpoints at hand. */
  layoutOf(endpoints: readonly Endpoint[]): Layout {
    const joined = endpoints.map((endpoint) => ({ endpoint, network: this.#records.network(endpoint.networkId) }));
    const main = defaultEndpoint(joined);
    return {
      links: joined.flatMap((each) => linkOf(each, each === main) ?? []),
      main: main?.endpoint,
      hasNames: joined.some(({ network }) => hasNames(network)),
    };
  }

  /** To be called when the shim has made the link: keeps it from its neighbours where the network says so. */
  linked(endpoint: Endpoint): void {
    if (this.#records.network(endpoint.networkId).bridge?.interContainer === false) isolatePort(hostLinkName(endpoint));
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

  #newEndpoint(container: Neighbour, network: NetworkRecord, request: EndpointRequest): Endpoint {
    if (this.#records.endpointsOn(network.id).some(({ containerId }) => containerId === container.id)) {
      fail(
        "forbidden",
        "ENDPOINT_EXISTS",
        `endpoint with name ${container.name} already exists in network ${network.name}`,
      );
    }
    const addressing = addressingOf(network);
    return {
      id: newId(),
      networkId: network.id,
      containerId: container.id,
      containerName: container.name,
      hostname: container.hostname ?? "",
      place: addressing && this.#choosePlace(network, addressing, container.id, request),
      request,
    };
  }

  #choosePlace(network: NetworkRecord, addressing: Addressing, containerId: string, request: EndpointRequest) {
    const linkName = chooseLinkName(this.#records.endpointsOf(containerId), request);
    const taken = {
      ipv4: this.#records.addressesOn(network.id),
      ipv6: addressing.ipv6 ? this.#records.ipv6AddressesOn(network.id) : NO_ADDRESSES,
    };
    return choosePlace(network, addressing, request, taken, linkName);
  }
}
