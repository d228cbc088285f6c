import { readFileSync } from "node:fs";
import type { EndpointLink } from "../network/endpoint-link.ts";
import type { NetworkRecord } from "../network/network-record.ts";
import type { Layout } from "../network/networks.ts";
import type { EndpointSettings } from "./container-config.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";
import { updateEtcFiles } from "./etc-files.ts";
import { neighbourOf } from "./join-networks.ts";
import { requireRunning, requireShim } from "./require-running.ts";

/**
 * Gives a running container a place on a further network: address, link, names, and the way out where that network gives
 * it. Whatever fails is undone; what an engine that is killed leaves half-done, the next one finishes or forgets.
 */
export async function connectRunning(
  parts: EngineParts,
  record: ContainerRecord,
  network: NetworkRecord,
  settings: EndpointSettings,
): Promise<void> {
  const { id } = record;
  const shim = requireShim(parts, id);
  await using undo = new AsyncDisposableStack();
  const endpoint = await parts.networks.connect(neighbourOf(record), network.id, settings);
  undo.defer(() => void parts.networks.disconnect(id, network.id));
  parts.containers.update(id, { networks: { ...record.networks, [network.name]: settings } });
  undo.defer(() => void parts.containers.update(id, { networks: record.networks }));
  const link = parts.networks.linkOf(endpoint);
  const { hasNames, main } = parts.networks.layout(id);
  if (link) {
    await shim.connectNetwork({ link, route: null }, hasNames);
    const route = routeOf(parts.networks.layout(id, network.id), link);
    undo.defer(() => shim.disconnectNetwork({ link, route }));
  }
  parts.networks.linked(endpoint);
  await parts.networks.publishing.follow(id, main);
  updateEtcFiles(parts, parts.containers.get(id), { added: addressesOf(link), removed: [] });
  undo.move();
}

/**
 * Takes a running container off a network; what has been its way out is another network's afterwards.
 * @param force also where the container does not answer.
 */
export async function disconnectRunning(
  parts: EngineParts,
  record: ContainerRecord,
  network: NetworkRecord,
  force: boolean,
): Promise<void> {
  const { id } = record;
  const endpoint = parts.networks.endpointsOf(id).find(({ networkId }) => networkId === network.id);
  const link = endpoint && parts.networks.linkOf(endpoint);
  if (link) {
    const shim = requireShim(parts, id);
    try {
      await shim.disconnectNetwork({ link, route: routeOf(parts.networks.layout(id, network.id), link) });
    } catch (error) {
      if (!force) throw error;
    }
  }
  const { [network.name]: _gone, ...networks } = record.networks;
  parts.store.transaction(() => {
    parts.networks.disconnect(id, network.id);
    parts.containers.update(id, { networks });
  });
  await parts.networks.publishing.follow(id, parts.networks.layout(id).main);
  if (link) updateEtcFiles(parts, parts.containers.get(id), { added: [], removed: addressesOf(link) });
}

/** All that a link gives its container; none for `host` and `none`. */
function addressesOf(link: EndpointLink | null): string[] {
  return link ? [link.address, link.ipv6?.address].flatMap((address) => address ?? []) : [];
}

/** Where the default route leads without a link, if it led through it. */
function routeOf({ main, links }: Layout, gone: EndpointLink) {
  if (gone.gateway === null) return null;
  const next = links.find(({ containerName }) => containerName === main?.place?.linkName);
  const gateways = [next?.gateway, next?.ipv6?.gateway].flatMap((gateway) => gateway ?? []);
  return next && gateways.length > 0 ? { containerName: next.containerName, gateways } : null;
}

/**
 * Brings the links of a container that went on running in line with its record, after an engine that was killed: a place
 * that had been taken and not yet noted is given back, a link that is missing is made.
 */
export async function completeNetworks(parts: EngineParts, id: string): Promise<void> {
  const record = parts.containers.get(id);
  const shim = requireShim(parts, id);
  const wanted = new Set(Object.keys(record.networks).map((name) => parts.networks.find(name)?.id));
  for (const { networkId } of parts.networks.endpointsOf(id)) {
    if (!wanted.has(networkId)) parts.networks.disconnect(id, networkId);
  }
  const { links, hasNames } = parts.networks.layout(id);
  const present = linksWithin(requireRunning(record).pid);
  for (const link of links.filter(({ containerName }) => !present.has(containerName))) {
    await shim.connectNetwork({ link, route: null }, hasNames);
    updateEtcFiles(parts, record, { added: addressesOf(link), removed: [] });
  }
  for (const endpoint of parts.networks.endpointsOf(id)) parts.networks.linked(endpoint);
  await parts.networks.publishing.follow(id, parts.networks.layout(id).main);
}

/** Names of the links in a process's network namespace (proc(5), net/dev). */
function linksWithin(pid: number): Set<string> {
  const table = readFileSync(`/proc/${pid}/net/dev`, "utf8");
  return new Set([...table.matchAll(/^\s*([^:\s]+):/gm)].map(([, name = ""]) => name));
}
