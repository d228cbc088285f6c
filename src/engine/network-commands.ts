import { fail } from "../base/errors.ts";
import type { Filters } from "../base/filters.ts";
import type { NetworkCreate } from "../network/create-network.ts";
import type { NetworkRecord } from "../network/network-record.ts";
import type { EndpointSettings } from "./container-config.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";

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
    this.#emit("create", network);
    return { Id: network.id, Warning: "" };
  }

  /** @throws forbidden where it is predefined, or a container is on it. */
  async remove(reference: string): Promise<void> {
    this.#emit("destroy", await this.#parts.networks.remove(reference));
  }

  async prune(filters: Filters): Promise<{ NetworksDeleted: string[] | null }> {
    const names = await this.#parts.networks.prune(filters);
    return { NetworksDeleted: names.length > 0 ? names : null };
  }

  /**
   * Adds a network to those that a container joins when it starts.
   * @throws forbidden where it is on it already; not-implemented for a running container.
   */
  async connect(reference: string, container: string, settings: EndpointSettings): Promise<void> {
    const network = this.#parts.networks.resolve(reference);
    const { id } = this.#parts.containers.resolve(container);
    await this.#parts.locks.run(id, async () => {
      const record = this.#parts.containers.get(id);
      requireOwnNetwork(record);
      if (Object.hasOwn(record.networks, network.name)) {
        fail(
          "forbidden",
          "ENDPOINT_EXISTS",
          `endpoint with name ${record.name} already exists in network ${network.name}`,
        );
      }
      requireStopped(record, "connected to");
      this.#parts.containers.update(id, { networks: { ...record.networks, [network.name]: settings } });
      this.#emit("connect", network, id);
    });
  }

  /** @throws forbidden where it is not on it; not-implemented for a running container. */
  async disconnect(reference: string, container: string, _options: { force: boolean }): Promise<void> {
    const network = this.#parts.networks.resolve(reference);
    const { id } = this.#parts.containers.resolve(container);
    await this.#parts.locks.run(id, async () => {
      const record = this.#parts.containers.get(id);
      requireOwnNetwork(record);
      if (!Object.hasOwn(record.networks, network.name)) {
        fail("forbidden", "NOT_CONNECTED", `container ${id} is not connected to network ${network.name}`);
      }
      requireStopped(record, "disconnected from");
      const { [network.name]: _gone, ...networks } = record.networks;
      this.#parts.containers.update(id, { networks });
      this.#emit("disconnect", network, id);
    });
  }

  #emit(action: string, network: NetworkRecord, container?: string): void {
    this.#parts.events.emit("network", action, network.id, {
      name: network.name,
      type: network.driver,
      ...(container === undefined ? {} : { container }),
    });
  }
}

function requireOwnNetwork({ id, hostConfig: { NetworkMode: mode } }: ContainerRecord): void {
  if (mode === "host" || mode === "none" || mode.startsWith("container:")) {
    fail("invalid", "NETWORK_MODE", `container ${id} has the network mode ${mode}: make it anew on a bridge network`);
  }
}

function requireStopped({ id, state }: ContainerRecord, what: string): void {
  if (state.status === "running") {
    fail(
      "not-implemented",
      "NETWORK_WHILE_RUNNING",
      `a running container cannot be ${what} a network: stop container ${id} first`,
    );
  }
}
