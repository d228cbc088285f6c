import { createHash } from "node:crypto";
import { fail } from "../base/errors.ts";
import { shortId } from "../base/ids.ts";
import { KeyedLock } from "../base/keyed-lock.ts";
import type { Log } from "../base/log.ts";
import { freeSubnet } from "./address-pool.ts";
import { type BridgeLink, linkExists, raiseBridge, removeBridge } from "./bridge-link.ts";
import { hostSubnets } from "./host-subnets.ts";
import { formatSubnet, overlaps, type Subnet } from "./ipv4.ts";
import { type Bridge, ipv6PrefixLength, type NetworkRecord, poolOf } from "./network-record.ts";
import type { NetworkStore } from "./network-store.ts";
import { subnetsOf } from "./new-network.ts";
import { type DesiredRules, PacketFilter } from "./packet-filter.ts";
import { defaultGateway } from "./parse-addressing.ts";

/** Raising a link, or removing one, changes the machine: one at a time. */
const LINKS = "links";

/** What the networks' records need on the host: bridge links and the table of rules, made at a bridge's first use. */
export class Bridges {
  readonly #filter: PacketFilter;
  readonly #lock = new KeyedLock();
  /** Ids of the networks whose bridge this engine has raised or found. */
  readonly #raised = new Set<string>();

  /** @param run the engine's run directory; the table's name comes from it, so that engines side by side do not meet. */
  constructor(
    private readonly records: NetworkStore,
    run: string,
    log: Log,
  ) {
    const table = `lighter_${createHash("sha256").update(run).digest("hex").slice(0, 12)}`;
    this.#filter = new PacketFilter(table, () => desiredRules(records), log);
  }

  /**
   * Makes a network's bridge and its rules; where they are there, nothing but a look at the link (somebody may have removed
   * it): some microseconds. A subnet that Lighter chose and nobody uses yet moves away from one that came up since.
   * @throws conflict `SUBNET_TAKEN`, `LINK_IN_USE`; unavailable `HOST_COMMAND_MISSING`, `SYSCTL_REFUSED`
   */
  async raise({ id, bridge }: NetworkRecord): Promise<void> {
    if (!bridge || this.#isUp(id, bridge)) return;
    await this.#lock.run(LINKS, async () => {
      const { bridge: latest } = this.records.network(id);
      if (!latest || this.#isUp(id, latest)) return;
      await this.#raiseSomewhere(id);
      this.#raised.add(id);
      await this.#filter.apply();
    });
  }

  /** Takes one network's bridge and rules away; `forget` removes the record first, so that nobody is connected meanwhile. */
  async remove(network: NetworkRecord, forget: () => void): Promise<void> {
    await this.#lock.run(LINKS, async () => {
      forget();
      this.#raised.delete(network.id);
      if (!network.bridge) return;
      await removeBridge(linkOf(network, network.bridge));
      // Without a bridge there is nothing for rules to be about: the engine leaves no table behind.
      if (this.#raised.size > 0) await this.#filter.apply();
      else await this.#filter.remove();
    });
  }

  /** Brings the rules in line with the records, unless no bridge is up, and so no rules are there. */
  async applyRules(): Promise<void> {
    if (this.#raised.size > 0) await this.#filter.apply();
  }

  /** Completes the bridges that are in use, and those that an engine before this one left; then writes all rules anew. */
  async restore(): Promise<void> {
    for (const network of this.records.networks()) {
      const { bridge } = network;
      if (bridge && (this.#isInUse(network) || linkExists(bridge.link))) await this.raise(network);
    }
    if (this.#raised.size > 0) await this.#filter.rebuild();
  }

  /** Takes everything off the host, unless a container is on a bridge. @returns whether the host is clean now. */
  teardown(): Promise<boolean> {
    return this.#lock.run(LINKS, async () => {
      const networks = this.records.networks().filter(({ bridge }) => bridge !== null);
      if (networks.some((network) => this.#isInUse(network))) return false;
      if (this.#raised.size === 0) return true;
      this.#raised.clear();
      for (const network of networks) {
        if (network.bridge) await removeBridge(linkOf(network, network.bridge));
      }
      await this.#filter.remove();
      return true;
    });
  }

  #isUp(id: string, bridge: Bridge): boolean {
    return this.#raised.has(id) && linkExists(bridge.link);
  }

  #isInUse(network: NetworkRecord): boolean {
    return this.records.endpointsOn(network.id).length > 0;
  }

  async #raiseSomewhere(id: string): Promise<void> {
    const refused: Subnet[] = [];
    for (;;) {
      const network = this.records.network(id);
      const { bridge } = network;
      if (!bridge) return;
      const link = linkOf(network, bridge);
      const movable = !bridge.subnetFixed && !this.#isInUse(network) && !linkExists(bridge.link);
      const isClear = !movable || ![...hostSubnets(), ...refused].some((used) => overlaps(used, link.subnet));
      if (isClear && (await raiseBridge(link))) return;
      if (!movable) {
        fail(
          "conflict",
          "SUBNET_TAKEN",
          `network ${network.name} cannot be brought up: another link of this host has the subnet ${bridge.subnet}: remove that link, or this network`,
        );
      }
      refused.push(link.subnet);
      const subnet = freeSubnet([...hostSubnets(), ...subnetsOf(this.records.networks()), ...refused]);
      this.records.updateNetwork({
        ...network,
        bridge: { ...bridge, subnet: formatSubnet(subnet), gateway: defaultGateway(subnet) },
      });
    }
  }
}

function desiredRules(records: NetworkStore): DesiredRules {
  const bridges = records.networks().flatMap(({ bridge, internal }) =>
    bridge
      ? [
          {
            link: bridge.link,
            subnet: bridge.subnet,
            ipv6Subnet: bridge.ipv6?.subnet ?? null,
            internal,
            masquerade: bridge.masquerade,
          },
        ]
      : [],
  );
  return { bridges, ports: records.ports() };
}

function linkOf(network: NetworkRecord, bridge: Bridge): BridgeLink {
  const { subnet, gateway } = poolOf(bridge);
  const ipv6 = bridge.ipv6 && `${bridge.ipv6.gateway}/${ipv6PrefixLength(bridge.ipv6)}`;
  return { name: bridge.link, owner: `lighter:${shortId(network.id)}`, subnet, gateway, ipv6, mtu: bridge.mtu };
}
