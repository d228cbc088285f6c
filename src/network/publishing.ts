import { reflectPort } from "./bridge-link.ts";
import type { Bridges } from "./bridges.ts";
import { hostLinkName } from "./endpoint-link.ts";
import type { Endpoint } from "./network-record.ts";
import type { NetworkStore } from "./network-store.ts";
import type { PortMapping, PortRequest } from "./port-mapping.ts";
import { claimPorts } from "./published-ports.ts";

/** The host's ports that lead to containers: first spoken for, then bound by the container's shim, then in the rules. */
export class Publishing {
  readonly #records: NetworkStore;
  readonly #bridges: Bridges;

  constructor(records: NetworkStore, bridges: Bridges) {
    this.#records = records;
    this.#bridges = bridges;
  }

  /**
   * Settles a container's host ports before its shim binds them; those with `hostPort` 0 are the kernel's choice.
   * Nothing is published on an internal network, nor where containers are not behind a bridge.
   * @throws internal `PORT_NOT_PUBLISHED` in Docker's words where another container has one.
   */
  async claim(endpoint: Endpoint, requests: readonly PortRequest[]): Promise<PortMapping[]> {
    const { bridge, internal } = this.#records.network(endpoint.networkId);
    if (!bridge || !endpoint.place || internal) return [];
    return claimPorts(this.#records, endpoint, endpoint.place, requests, bridge.hostBinding);
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
        if (this.#isOnBridge(endpoint)) reflectPort(hostLinkName(endpoint));
      }
      await this.#bridges.applyRules();
    } catch (error) {
      this.#records.deletePortsOf(containerId);
      throw error;
    }
  }

  /** Leads the container's ports to the endpoint that is its way out now; nowhere, while it has none on a bridge. */
  async follow(containerId: string, main: Endpoint | undefined): Promise<void> {
    const target = main && this.#isOnBridge(main) ? main : undefined;
    if (!this.#records.movePorts(containerId, target?.place ?? null)) return;
    if (target) reflectPort(hostLinkName(target));
    await this.#bridges.applyRules();
  }

  /** Takes a container's ports from the rules, also after its endpoints were released. */
  async withdraw(containerId: string): Promise<void> {
    this.#records.deletePortsOf(containerId);
    await this.#bridges.applyRules();
  }

  /** What is published for a container. */
  portsOf(containerId: string): PortMapping[] {
    return this.#records.ports(containerId);
  }

  #isOnBridge({ networkId }: Endpoint): boolean {
    return this.#records.network(networkId).bridge !== null;
  }
}
