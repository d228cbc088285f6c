import { type Endpoint, endpointNames, hasNames, type NetworkRecord } from "./network-record.ts";
import type { NetworkStore } from "./network-store.ts";

/** The addresses of one name; several where several containers share it. Empty lists: there is such a name. */
export interface NamedAddresses {
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
}

/** One network's names in small letters, each with who has it. */
type NameTable = ReadonlyMap<string, readonly Endpoint[]>;

/**
 * What containers on users' networks are called: by their name, aliases, hostname and short id, each on the networks that
 * the asking container shares with them, and by the links that it has itself.
 */
export class Names {
  readonly #records: NetworkStore;
  readonly #tables = new Map<string, NameTable>();
  #version = -1;

  constructor(records: NetworkStore) {
    this.#records = records;
  }

  /**
   * Who a name is to this container; null where it is nobody. Besides the name alone `name.network` is understood, and as
   * both may contain dots, each of them is tried as the border, as Docker does.
   */
  find(containerId: string, name: string): NamedAddresses | null {
    const wanted = name.toLowerCase().replace(/\.$/, "");
    const own = this.#networksOf(containerId);
    for (const { endpoint, network } of own) {
      const found = this.#findOn(network, endpoint, wanted);
      if (found) return found;
    }
    for (const { endpoint, network } of own) {
      const suffix = `.${network.name.toLowerCase()}`;
      if (!wanted.endsWith(suffix)) continue;
      const found = this.#findOn(network, endpoint, wanted.slice(0, -suffix.length));
      if (found) return found;
    }
    return null;
  }

  /** `name.network` of whoever has the address on one of the container's networks; null where nobody has. */
  reverse(containerId: string, address: string): string | null {
    for (const { network } of this.#networksOf(containerId)) {
      const owner = this.#records
        .endpointsOn(network.id)
        .find(({ place }) => place?.address === address || place?.ipv6?.address === address);
      if (owner) return `${owner.containerName}.${network.name}`;
    }
    return null;
  }

  #networksOf(containerId: string): { endpoint: Endpoint; network: NetworkRecord }[] {
    return this.#records
      .endpointsOf(containerId)
      .map((endpoint) => ({ endpoint, network: this.#records.network(endpoint.networkId) }))
      .filter(({ network }) => hasNames(network));
  }

  #findOn(network: NetworkRecord, asker: Endpoint, name: string): NamedAddresses | null {
    const table = this.#table(network.id);
    const owners = table.get(linkTarget(asker, name) ?? name);
    if (!owners) return null;
    const places = owners.flatMap(({ place }) => place ?? []);
    return {
      ipv4: places.map(({ address }) => address),
      ipv6: places.flatMap(({ ipv6 }) => ipv6?.address ?? []),
    };
  }

  #table(networkId: string): NameTable {
    if (this.#version !== this.#records.endpointsVersion) {
      this.#tables.clear();
      this.#version = this.#records.endpointsVersion;
    }
    const known = this.#tables.get(networkId);
    if (known) return known;
    const table = tableOf(this.#records.endpointsOn(networkId));
    this.#tables.set(networkId, table);
    return table;
  }
}

function tableOf(endpoints: readonly Endpoint[]): NameTable {
  const table = new Map<string, Endpoint[]>();
  for (const endpoint of endpoints) {
    // Links may name a container by its full id.
    for (const name of new Set([...endpointNames(endpoint), endpoint.containerId])) {
      const key = name.toLowerCase();
      const owners = table.get(key);
      if (owners) owners.push(endpoint);
      else table.set(key, [endpoint]);
    }
  }
  return table;
}

/** Whom the asker calls so by a link (`container:alias`, or `container` alone) of its own. */
function linkTarget({ request }: Endpoint, name: string): string | undefined {
  for (const link of request.Links ?? []) {
    const [target = "", alias = target] = link.split(":");
    if (alias.toLowerCase() === name) return target.toLowerCase();
  }
  return undefined;
}
