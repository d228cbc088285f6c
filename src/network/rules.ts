import type { PortMapping } from "./port-mapping.ts";

/** What the rules have to know of a bridge network. */
export interface BridgeRules {
  readonly link: string;
  /** CIDR. */
  readonly subnet: string;
  readonly internal: boolean;
  readonly masquerade: boolean;
}

/** Every address of the host, as in `-p 80:80`. */
const ANY_ADDRESS = "0.0.0.0";

/**
 * The engine's whole table as one batch for `nft -f`, replacing what is there at once: no packet meets half of it, and
 * connections that are open go on, for their translation is kept by conntrack and not by the rules.
 *
 * Published ports are map elements, so that publishing one more is a lookup's entry and not another rule to walk.
 */
export function tableBatch(table: string, bridges: readonly BridgeRules[], ports: readonly PortMapping[]): string {
  return `
table ip ${table} {}
delete table ip ${table}
table ip ${table} {
  map published_at {
    type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
  }
  map published {
    type inet_proto . inet_service : ipv4_addr . inet_service
  }

  # route_localnet is on for our links: nothing on them may reach what listens on the host's loopback (CVE-2020-8558).
  # Before conntrack, so that answers to the host's own connections, still addressed to the bridge, are not meant.
  chain guard {
    type filter hook prerouting priority raw; policy accept;
    ${bridges.map(({ link }) => `iifname "${link}" ip daddr 127.0.0.0/8 drop`).join("\n    ")}
  }

  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local jump publish
  }
  chain output {
    type nat hook output priority -100; policy accept;
    fib daddr type local jump publish
  }
  chain publish {
    dnat ip to ip daddr . meta l4proto . th dport map @published_at
    dnat ip to meta l4proto . th dport map @published
  }

  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ${bridges.flatMap(sourceRules).join("\n    ")}
  }

  chain forward {
    type filter hook forward priority filter; policy accept;
    ct state established,related accept
    ${bridges.flatMap(forwardRules).join("\n    ")}
  }
}
${elementsBatch(table, { added: ports, removed: [] })}`;
}

/** The batch that changes published ports alone. */
export function elementsBatch(
  table: string,
  change: { readonly added: readonly PortMapping[]; readonly removed: readonly PortMapping[] },
): string {
  return [
    ...change.removed.map((port) => `delete element ip ${table} ${mapAndKey(port)} }`),
    ...change.added.map(
      (port) => `add element ip ${table} ${mapAndKey(port)} : ${port.containerIp} . ${port.containerPort} }`,
    ),
  ].join("\n");
}

function mapAndKey({ protocol, hostIp, hostPort }: PortMapping): string {
  return hostIp === ANY_ADDRESS
    ? `published { ${protocol} . ${hostPort}`
    : `published_at { ${hostIp} . ${protocol} . ${hostPort}`;
}

function sourceRules({ link, subnet, internal, masquerade }: BridgeRules): string[] {
  return [
    // The host's own connection to a published port: a container cannot answer to 127.0.0.1.
    `oifname "${link}" ip saddr 127.0.0.0/8 masquerade`,
    // A container that comes back to its own network through a published port: the answer has to take the same way.
    `oifname "${link}" ip saddr ${subnet} ct status dnat masquerade`,
    ...(masquerade && !internal ? [`oifname != "${link}" ip saddr ${subnet} masquerade`] : []),
  ];
}

/** Into a bridge goes what was asked for from inside, what was published, and its own containers' traffic. */
function forwardRules({ link, internal }: BridgeRules): string[] {
  const within = `iifname "${link}" oifname "${link}" accept`;
  return internal
    ? [within, `iifname "${link}" drop`, `oifname "${link}" drop`]
    : [within, `oifname "${link}" ct status dnat accept`, `oifname "${link}" drop`];
}
