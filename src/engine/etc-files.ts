import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hostNetworkHostsFile, hostsFile, linkLine, ownLine } from "../network/hosts-file.ts";
import {
  embeddedResolvConf,
  hostNetworkResolvConf,
  hostResolvConf,
  type ResolverSettings,
  resolvConf,
} from "../network/resolv-conf.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";
import { containerDirectory } from "./inspect-container.ts";
import type { JoinedNetworks } from "./join-networks.ts";
import { bridgeAddress, linkedFrom, linkNames } from "./links.ts";

/**
 * Writes the container's hosts, hostname and resolv.conf into `directory`. A container that shares another's network has
 * that one's directory instead. @returns the directory to bind from. @throws invalid for bad hosts or resolvers.
 */
export function writeEtcFiles(
  parts: EngineParts,
  record: ContainerRecord,
  directory: string,
  joined: JoinedNetworks,
): string {
  const { config, hostConfig } = record;
  const shared = /^container:(.+)$/.exec(hostConfig.NetworkMode)?.[1];
  if (shared !== undefined) return containerDirectory(parts, shared);
  const onHost = hostConfig.NetworkMode === "host";
  const resolver = resolverSettings(record);
  const extra = { extraHosts: hostConfig.ExtraHosts ?? [], hostGateway: hostGateway(parts, joined) };
  const hosts = onHost
    ? hostNetworkHostsFile(readFileSync("/etc/hosts", "utf8"), { ...extra, hostGateway: "127.0.0.1" })
    : hostsFile({
        hostname: config.Hostname,
        domainname: config.Domainname,
        addresses: joined.links.flatMap(({ address, ipv6 }) => [address, ...(ipv6 ? [ipv6.address] : [])]),
        links: joined.neighbours.map((link) => ({ address: link.address, names: linkNames(link) })),
        ...extra,
      });
  const toResolvConf = onHost ? hostNetworkResolvConf : joined.hasNames ? embeddedResolvConf : resolvConf;
  writeFileSync(join(directory, "hosts"), hosts, { mode: 0o644 });
  writeFileSync(join(directory, "hostname"), `${config.Hostname}\n`, { mode: 0o644 });
  writeFileSync(join(directory, "resolv.conf"), toResolvConf(hostResolvConf(), resolver), { mode: 0o644 });
  return directory;
}

/** The host as the container reaches it: its own gateway; without one the default bridge's, as Docker has it. */
function hostGateway(parts: EngineParts, { links }: JoinedNetworks): string | null {
  const own = links.find(({ gateway }) => gateway !== null)?.gateway;
  return own ?? parts.networks.find("bridge")?.bridge?.gateway ?? null;
}

/** What the client said about name resolution. */
export function resolverSettings({ hostConfig }: ContainerRecord): ResolverSettings {
  return { nameservers: hostConfig.Dns, search: hostConfig.DnsSearch, options: hostConfig.DnsOptions };
}

/** Leads the links that running containers have to this one, which has just started, to its address of now. */
export function renewLinks(parts: EngineParts, target: ContainerRecord): void {
  const linked = linkedFrom(parts, target.id);
  const address = linked.length > 0 ? bridgeAddress(parts, target.id) : undefined;
  if (address === undefined) return;
  for (const { record, alias } of linked) {
    const path = join(containerDirectory(parts, record.id), "hosts");
    const names = linkNames({ alias, target });
    const lines = readFileSync(path, "utf8").trimEnd().split("\n");
    const kept = lines.filter((line) => line.split("\t")[1] !== names.join(" "));
    writeFileSync(path, `${[...kept, linkLine({ address, names })].join("\n")}\n`);
  }
}

/**
 * Brings the files of a running container in line with its networks: the lines of addresses that it got or lost, and the
 * resolver. Written into the files that the container has mounted; whatever else it has put into its hosts file stays.
 */
export function updateEtcFiles(
  parts: EngineParts,
  record: ContainerRecord,
  change: { readonly added: readonly string[]; readonly removed: readonly string[] },
): void {
  const directory = containerDirectory(parts, record.id);
  const path = join(directory, "hosts");
  const { Hostname: hostname, Domainname: domainname } = record.config;
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  const stale = new Set([...change.removed, ...change.added]);
  const kept = lines.filter((line) => !stale.has(line.split(/\s/)[0] ?? ""));
  const added = change.added.map((address) => ownLine(address, hostname, domainname));
  writeFileSync(path, `${[...kept, ...added].join("\n")}\n`);
  const toResolvConf = parts.networks.layout(record.id).hasNames ? embeddedResolvConf : resolvConf;
  writeFileSync(join(directory, "resolv.conf"), toResolvConf(hostResolvConf(), resolverSettings(record)));
}
