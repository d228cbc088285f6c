import { fail } from "../base/errors.ts";
import { assertKnownFilters, type Filters, matchesAny, matchesLabels } from "../base/filters.ts";
import type { NetworkCreate } from "../network/create-network.ts";
import { connectRunning, disconnectRunning } from "./connect-running.ts";
import type { EndpointSettings } from "./container-config.ts";
import { requireConnectable, requireEndpointSettings } from "./endpoint-settings.ts";
import type { EngineParts } from "./engine-parts.ts";
import { parseUntil } from "./images.ts";
import { emitNetworkEvent } from "./network-events.ts";

/** What clients do with networks, in the Engine API's documents. */
export class NetworkCommands {
  readonly #parts: EngineParts;

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  list(filters: Filters) {
    return this.#parts.networks.list(filters);
  }

  /** @throws not-found */
  inspect(reference: string) {
    return this.#parts.networks.inspect(reference);
  }

  /** @throws conflict, forbidden, invalid in Docker's words. */
  async create(body: NetworkCreate): Promise<{ Id: string; Warning: string }> {
    const network = await this.#parts.networks.create(body);
    emitNetworkEvent(this.#parts, "create", network);
    return { Id: network.id, Warning: "" };
  }

  /** @throws forbidden where it is predefined, or a container is on it. */
  async remove(reference: string): Promise<void> {
    emitNetworkEvent(this.#parts, "destroy", await this.#parts.networks.remove(reference));
  }

  async prune(filters: Filters): Promise<{ NetworksDeleted: string[] | null }> {
    assertKnownFilters(filters, ["until", "label", "label!"]);
    const removed = await this.#parts.networks.prune(
      ({ labels, created }) =>
        matchesLabels(labels, filters) &&
        matchesAny(filters, "until", (until) => Date.parse(created) < parseUntil(until)),
    );
    for (const network of removed) emitNetworkEvent(this.#parts, "destroy", network);
    this.#parts.events.emit("network", "prune", "", { reclaimed: "0" });
    return { NetworksDeleted: removed.length > 0 ? removed.map(({ name }) => name) : null };
  }

  /**
   * Joins a container to a network; one that does not run joins it when it starts.
   * @throws forbidden where it is on it already; invalid in Docker's words.
   */
  async connect(reference: string, container: string, settings: EndpointSettings): Promise<void> {
    const network = this.#parts.networks.resolve(reference);
    const { id } = this.#parts.containers.resolve(container);
    await this.#parts.locks.run(id, async () => {
      const record = this.#parts.containers.get(id);
      requireConnectable(record, network);
      requireEndpointSettings(network, settings);
      if (Object.hasOwn(record.networks, network.name)) {
        fail(
          "forbidden",
          "ENDPOINT_EXISTS",
          `endpoint with name ${record.name} already exists in network ${network.name}`,
        );
      }
      if (record.state.status === "running") await connectRunning(this.#parts, record, network, settings);
      else this.#parts.containers.update(id, { networks: { ...record.networks, [network.name]: settings } });
      emitNetworkEvent(this.#parts, "connect", network, id);
    });
  }

  /** @throws forbidden where it is not on it. */
  async disconnect(reference: string, container: string, { force }: { force: boolean }): Promise<void> {
    const network = this.#parts.networks.resolve(reference);
    const { id } = this.#parts.containers.resolve(container);
    await this.#parts.locks.run(id, async () => {
      const record = this.#parts.containers.get(id);
      requireConnectable(record, network);
      if (!Object.hasOwn(record.networks, network.name)) {
        fail("forbidden", "NOT_CONNECTED", `container ${id} is not connected to network ${network.name}`);
      }
      if (record.state.status === "running") {
        await disconnectRunning(this.#parts, record, network, force);
      } else {
        const { [network.name]: _gone, ...networks } = record.networks;
        this.#parts.containers.update(id, { networks });
      }
      emitNetworkEvent(this.#parts, "disconnect", network, id);
    });
  }
}
