import type { PortMapping } from "./port-mapping.ts";

/** What the rules have to know of a bridge network. */
export interface BridgeRules {
  readonly link: string;
  /** CIDR. */
  readonly subnet: string;
  /** CIDR; null: no IPv6. */
  readonly ipv6Subnet: string | null;
  readonly internal: boolean;
  readonly masquerade: boolean;
}

/** What differs between the tables of the two families. */
interface Family {
  readonly name: "ip" | "ip6";
  readonly type: "ipv4_addr" | "ipv6_addr";
  readonly loopback: string;
}
const IPV4: Family = { name: "ip", type: "ipv4_addr", loopback: "127.0.0.0/8" };
const IPV6: Family = { name: "ip6", type: "ipv6_addr", loopback: "::1" };

/** A bridge as one family's table sees it. */
interface FamilyBridge {
  readonly link: string;
  readonly subnet: string;
  readonly internal: boolean;
  readonly masquerade: boolean;
}

/** Every address of the host, as in `-p 80:80`. */
const ANY_ADDRESSES: readonly string[] = ["0.0.0.0", "::"];

/**
 * The engine's tables, one for each family, as one batch for `nft -f`, replacing what is there at once: no packet meets half
 * of it, and connections that are open go on, for their translation is kept by conntrack and not by the rules.
 *
 * Published ports are map elements, so that publishing one more is a lookup's entry and not another rule to walk.
 * @param hostHasIpv6 otherwise the kernel may not know that family's tables.
 */
export function tableBatch(
  table: string,
  bridges: readonly BridgeRules[],
  ports: readonly PortMapping[],
  hostHasIpv6: boolean,
): string {
  const ipv6Bridges = bridges.flatMap((bridge) =>
    bridge.ipv6Subnet ? [{ ...bridge, subnet: bridge.ipv6Subnet }] : [],
  );
  return [
    removalBatch(table, hostHasIpv6),
    familyTable(IPV4, table, bridges),
    ...(ipv6Bridges.length > 0 ? [familyTable(IPV6, table, ipv6Bridges)] : []),
    elementsBatch(table, { added: ports, removed: [] }),
  ].join("\n");
}

/** Takes the tables away, whether they are there or not. */
export function removalBatch(table: string, hostHasIpv6: boolean): string {
  return [IPV4, ...(hostHasIpv6 ? [IPV6] : [])]
    .map(({ name }) => `table ${name} ${table} {}\ndelete table ${name} ${table}\n`)
    .join("");
}

/** The batch that changes published ports alone. */
export function elementsBatch(
  table: string,
  change: { readonly added: readonly PortMapping[]; readonly removed: readonly PortMapping[] },
): string {
  return [
    ...change.removed.map((port) => `delete element ${familyOf(port).name} ${table} ${mapAndKey(port)} }`),
    ...change.added.map(
      (port) =>
        `add element ${familyOf(port).name} ${table} ${mapAndKey(port)} : ${port.containerIp} . ${port.containerPort} }`,
    ),
  ].join("\n");
}

function familyTable(family: Family, table: string, bridges: readonly FamilyBridge[]): string {
  const { name, type } = family;
  return `
table ${name} ${table} {
  map published_at {
    type ${type} . inet_proto . inet_service : ${type} . inet_service
  }
  map published {
    type inet_proto . inet_service : ${type} . inet_service
  }

  # route_localnet is on for our links: nothing on them may reach what listens on the host's loopback (CVE-2020-8558).
  # Before conntrack, so that answers to the host's own connections, still addressed to the bridge, are not meant.
  chain guard {
    type filter hook prerouting priority raw; policy accept;
    ${bridges.map(({ link }) => `iifname "${link}" ${name} daddr ${family.loopback} drop`).join("\n    ")}
  }

  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local jump publish
  }
  chain output {
    type nat hook output priority -100; policy accept;
    ${outputGuard(family)}
    fib daddr type local jump publish
  }
  chain publish {
    dnat ${name} to ${name} daddr . meta l4proto . th dport map @published_at
    dnat ${name} to meta l4proto . th dport map @published
  }

  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ${bridges.flatMap((bridge) => sourceRules(family, bridge)).join("\n    ")}
  }

  chain forward {
    type filter hook forward priority filter; policy accept;
    ct state established,related accept
    ${bridges.flatMap(forwardRules).join("\n    ")}
  }
}`;
}

/** ::1 has no route_localnet: led to a container, a connection would hang, where it is to be refused at once. */
function outputGuard({ name, loopback }: Family): string {
  return name === "ip6" ? `ip6 daddr ${loopback} return` : "";
}

function familyOf({ hostIp }: PortMapping): Family {
  return hostIp.includes(":") ? IPV6 : IPV4;
}

function mapAndKey({ protocol, hostIp, hostPort }: PortMapping): string {
  return ANY_ADDRESSES.includes(hostIp)
    ? `published { ${protocol} . ${hostPort}`
    : `published_at { ${hostIp} . ${protocol} . ${hostPort}`;
}

function sourceRules(family: Family, { link, subnet, internal, masquerade }: FamilyBridge): string[] {
  const { name, loopback } = family;
  return [
    // The host's own connection to a published port: a container cannot answer to 127.0.0.1.
    `oifname "${link}" ${name} saddr ${loopback} masquerade`,
    // A container that comes back to its own network through a published port: the answer has to take the same way.
    `oifname "${link}" ${name} saddr ${subnet} ct status dnat masquerade`,
    ...(masquerade && !internal ? [`oifname != "${link}" ${name} saddr ${subnet} masquerade`] : []),
  ];
}

/** Into a bridge goes what was asked for from inside, what was published, and its own containers' traffic. */
function forwardRules({ link, internal }: FamilyBridge): string[] {
  const within = `iifname "${link}" oifname "${link}" accept`;
  return internal
    ? [within, `iifname "${link}" drop`, `oifname "${link}" drop`]
    : [within, `oifname "${link}" ct status dnat accept`, `oifname "${link}" drop`];
}
