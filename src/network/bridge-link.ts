import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { errnoOf, fail, messageOf } from "../base/errors.ts";
import { runBatch } from "./host-command.ts";
import { hostRoutes } from "./host-subnets.ts";
import { formatIpv4, formatSubnet, type Ipv4, type Subnet } from "./ipv4.ts";
import { randomMacAddress } from "./mac-address.ts";

/** A bridge in the host's network namespace. */
export interface BridgeLink {
  /** At most 15 bytes (IFNAMSIZ). */
  readonly name: string;
  /** The link's alias, by which a later engine knows that the link is its own. */
  readonly owner: string;
  readonly subnet: Subnet;
  readonly gateway: Ipv4;
  /** Its address with the prefix's length; null: no IPv6. */
  readonly ipv6: string | null;
  /** Bytes. */
  readonly mtu: number;
}

/**
 * Makes the bridge, or completes one that is there: after a crash anything may be half-made, so each step is repeatable.
 *
 * The subnet is claimed by adding its route with NLM_F_EXCL: the kernel refuses a second route to the same prefix, so of
 * several engines (or an engine and Docker) that chose the same subnet at the same moment exactly one gets it.
 *
 * @returns false, with nothing left behind, where another link has the subnet.
 * @throws conflict `LINK_IN_USE` where a link of that name is not this network's; unavailable or internal from `ip`.
 */
export async function raiseBridge(bridge: BridgeLink): Promise<boolean> {
  const existed = linkExists(bridge.name);
  if (existed) assertOwner(bridge);
  const { name, subnet } = bridge;
  const routed = hostRoutes().some((route) => route.link === name && isSame(route.subnet, subnet));
  try {
    await runBatch(
      "ip",
      ["-4", "-batch", "-"],
      [
        ...(existed ? [] : [`link add name ${name} address ${randomMacAddress()} mtu ${bridge.mtu} type bridge`]),
        `link set dev ${name} alias ${bridge.owner}`,
        // noprefixroute: the kernel's own route would be added beside another's without complaint.
        `address replace ${formatIpv4(bridge.gateway)}/${subnet.prefixLength} dev ${name} noprefixroute`,
        `link set dev ${name} up`,
        ...(routed
          ? []
          : [`route add ${formatSubnet(subnet)} dev ${name} scope link src ${formatIpv4(bridge.gateway)}`]),
      ].join("\n"),
    );
    setSysctls(name, bridge.ipv6 !== null);
    if (bridge.ipv6 !== null) {
      // nodad: without ports a bridge has no carrier, and would never find out whether it is alone.
      await runBatch("ip", ["-6", "-batch", "-"], `address replace ${bridge.ipv6} dev ${name} nodad`);
    }
  } catch (error) {
    const taken = hostRoutes().some((route) => route.link !== name && isSame(route.subnet, subnet));
    if (!existed || taken) await removeBridge(bridge);
    if (taken) return false;
    throw error;
  }
  return true;
}

/** Removes the link with its address and routes. A link that is gone, or is not this network's, is left as it is. */
export async function removeBridge(bridge: Pick<BridgeLink, "name" | "owner">): Promise<void> {
  if (!linkExists(bridge.name) || ownerOf(bridge.name) !== bridge.owner) return;
  await runBatch("ip", ["-batch", "-"], `link delete dev ${bridge.name}`);
}

export function linkExists(name: string): boolean {
  return existsSync(`/sys/class/net/${name}`);
}

/**
 * Forbids a bridge's port to talk to other such ports (kernel 4.18), for networks without inter-container traffic: an IP
 * rule would not see frames that the bridge itself passes on.
 */
export function isolatePort(name: string): void {
  writeFileSync(`/sys/class/net/${name}/brport/isolated`, "1");
}

/**
 * Lets a port's own frames come back to it. Where br_netfilter is on (Docker and Kubernetes turn it on for the whole
 * machine), a redirected packet is passed on by the bridge itself, and a container that calls its own published port would
 * never hear from itself.
 */
export function reflectPort(name: string): void {
  writeFileSync(`/sys/class/net/${name}/brport/hairpin_mode`, "1");
}

function assertOwner({ name, owner }: BridgeLink): void {
  if (ownerOf(name) === owner && existsSync(`/sys/class/net/${name}/bridge`)) return;
  fail(
    "conflict",
    "LINK_IN_USE",
    `a network link named ${name} exists already and was not made by this engine: remove it with "ip link delete ${name}", or give the network another com.docker.network.bridge.name`,
  );
}

function ownerOf(name: string): string | undefined {
  try {
    return readFileSync(`/sys/class/net/${name}/ifalias`, "utf8").trim();
  } catch {
    return undefined; // Gone in this moment.
  }
}

function isSame(one: Subnet, other: Subnet): boolean {
  return one.base === other.base && one.prefixLength === other.prefixLength;
}

/**
 * route_localnet lets the host's connections to 127.0.0.1 be redirected into the bridge; the rules drop what comes from
 * the bridge to 127.0.0.0/8 (CVE-2020-8558). Forwarding is the machine's, so it stays on: by the time we leave, others may
 * rely on it.
 */
function setSysctls(link: string, ipv6: boolean): void {
  writeSysctl(`net/ipv4/conf/${link}/route_localnet`, "1");
  writeSysctl("net/ipv4/ip_forward", "1");
  if (ipv6) {
    writeSysctl(`net/ipv6/conf/${link}/disable_ipv6`, "0");
    writeSysctl(`net/ipv6/conf/${link}/accept_ra`, "0"); // Containers can send what they like: they are no routers.
    writeSysctl("net/ipv6/conf/all/forwarding", "1");
    return;
  }
  try {
    // No addresses of its own, no router solicitations, no wait for duplicate address detection.
    writeSysctl(`net/ipv6/conf/${link}/disable_ipv6`, "1");
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error; // ENOENT: a kernel without IPv6.
  }
}

function writeSysctl(name: string, value: string): void {
  const path = `/proc/sys/${name}`;
  if (readFileSync(path, "latin1").trim() === value) return;
  try {
    writeFileSync(path, value);
  } catch (error) {
    fail(
      "unavailable",
      "SYSCTL_REFUSED",
      `cannot set ${path} to ${value}, which bridge networks need: ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
}
