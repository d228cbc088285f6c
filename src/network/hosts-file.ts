import { isIP } from "node:net";
import { fail } from "../base/errors.ts";

/** What a container's /etc/hosts says. */
export interface HostsFile {
  readonly hostname: string;
  readonly domainname: string;
  /** The container's own, one per network. */
  readonly addresses: readonly string[];
  /** As `--add-host` gives them: `name:address`, where the address may be `host-gateway`. */
  readonly extraHosts: readonly string[];
  /** Other containers, by links. */
  readonly links: readonly { readonly address: string; readonly names: readonly string[] }[];
  /** What `host-gateway` stands for: the bridge's address on the host; null where there is none. */
  readonly hostGateway: string | null;
}

const LOOPBACK = [
  "127.0.0.1\tlocalhost",
  "::1\tlocalhost ip6-localhost ip6-loopback",
  "fe00::\tip6-localnet",
  "ff00::\tip6-mcastprefix",
  "ff02::1\tip6-allnodes",
  "ff02::2\tip6-allrouters",
];

/** The file in Docker's order: loopback, extra hosts, the container itself. @throws invalid `INVALID_EXTRA_HOST` */
export function hostsFile(file: HostsFile): string {
  const own = file.addresses.map((address) => ownLine(address, file.hostname, file.domainname));
  return lines([...LOOPBACK, ...extraLines(file), ...file.links.map(linkLine), ...own]);
}

/** By which a container finds itself. */
export function ownLine(address: string, hostname: string, domainname: string): string {
  return `${address}\t${domainname ? `${hostname}.${domainname} ${hostname}` : hostname}`;
}

/** By which it finds a container that it has a link to. */
export function linkLine({ address, names }: { readonly address: string; readonly names: readonly string[] }): string {
  return `${address}\t${names.join(" ")}`;
}

/** With `--network host` a container has the host's own file, and what was added. @throws invalid `INVALID_EXTRA_HOST` */
export function hostNetworkHostsFile(hostFile: string, file: Pick<HostsFile, "extraHosts" | "hostGateway">): string {
  return lines([hostFile.trimEnd(), ...extraLines(file)]);
}

/** @throws invalid `INVALID_EXTRA_HOST` in Docker's words, for a check when the container is created. */
export function parseExtraHost(text: string): { readonly name: string; readonly address: string } {
  const at = text.indexOf(":");
  const name = text.slice(0, Math.max(at, 0));
  const address = text.slice(at + 1).replace(/^\[(.*)\]$/, "$1");
  // A line of the file is "address names": a blank or a line break in the name would make another line of it.
  if (name === "" || /[\s#]/.test(name)) fail("invalid", "INVALID_EXTRA_HOST", `bad format for add-host: "${text}"`);
  if (address !== "host-gateway" && isIP(address) === 0) {
    fail("invalid", "INVALID_EXTRA_HOST", `invalid IP address in add-host: "${address}"`);
  }
  return { name, address };
}

function extraLines({ extraHosts, hostGateway }: Pick<HostsFile, "extraHosts" | "hostGateway">): string[] {
  return extraHosts.map(parseExtraHost).map(({ name, address }) => {
    if (address !== "host-gateway") return `${address}\t${name}`;
    if (hostGateway !== null) return `${hostGateway}\t${name}`;
    return fail(
      "invalid",
      "INVALID_EXTRA_HOST",
      "unable to derive the IP value for host-gateway: this container is not on a bridge network",
    );
  });
}

function lines(list: readonly string[]): string {
  return `${list.join("\n")}\n`;
}
