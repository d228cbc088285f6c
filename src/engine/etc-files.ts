import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hostNetworkHostsFile, hostsFile } from "../network/hosts-file.ts";
import { hostNetworkResolvConf, hostResolvConf, resolvConf } from "../network/resolv-conf.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";
import { containerDirectory } from "./inspect-container.ts";
import type { JoinedNetworks } from "./join-networks.ts";

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
  const resolver = { nameservers: hostConfig.Dns, search: hostConfig.DnsSearch, options: hostConfig.DnsOptions };
  const extra = { extraHosts: hostConfig.ExtraHosts ?? [], hostGateway: joined.links[0]?.gateway ?? null };
  const hosts = onHost
    ? hostNetworkHostsFile(readFileSync("/etc/hosts", "utf8"), { ...extra, hostGateway: "127.0.0.1" })
    : hostsFile({
        hostname: config.Hostname,
        domainname: config.Domainname,
        addresses: joined.links.map(({ address }) => address),
        ...extra,
      });
  const resolv = onHost ? hostNetworkResolvConf(hostResolvConf(), resolver) : resolvConf(hostResolvConf(), resolver);
  writeFileSync(join(directory, "hosts"), hosts, { mode: 0o644 });
  writeFileSync(join(directory, "hostname"), `${config.Hostname}\n`, { mode: 0o644 });
  writeFileSync(join(directory, "resolv.conf"), resolv, { mode: 0o644 });
  return directory;
}
