import { readFileSync } from "node:fs";
import { isIP, isIPv4 } from "node:net";
import { fail } from "../base/errors.ts";
import { isLoopback, parseIpv4 } from "./ipv4.ts";
import type { Upstream } from "./name-server.ts";

/** What `--dns`, `--dns-search` and `--dns-option` say; an empty list leaves the host's. */
export interface ResolverSettings {
  readonly nameservers: readonly string[];
  /** `.` alone means none. */
  readonly search: readonly string[];
  readonly options: readonly string[];
}

/** Asked where the host names no resolver that a container could reach, as Docker does. */
const PUBLIC_RESOLVERS = ["8.8.8.8", "8.8.4.4"];

/** systemd-resolved listens on 127.0.0.53 and keeps the resolvers behind it in a file of its own (resolved.conf(5)). */
const SYSTEMD_STUB = "127.0.0.53";
const SYSTEMD_UPSTREAM = "/run/systemd/resolve/resolv.conf";

/** The host's resolv.conf as containers should see it: behind systemd-resolved's stub; empty where there is none. */
export function hostResolvConf(): string {
  const text = readIfThere("/etc/resolv.conf");
  const { nameservers } = parse(text);
  const onlyStub = nameservers.length > 0 && nameservers.every((address) => address === SYSTEMD_STUB);
  return (onlyStub && readIfThere(SYSTEMD_UPSTREAM)) || text;
}

/**
 * A container's /etc/resolv.conf in a network namespace of its own. The host's resolvers on loopback are another loopback's
 * there, and those of IPv6 have no route, so both are left out; where nothing remains, public resolvers are named.
 * @throws invalid `INVALID_DNS`
 */
export function resolvConf(hostFile: string, settings: ResolverSettings): string {
  const host = parse(hostFile);
  const reachable = host.nameservers.filter(isReachable);
  const inherited = reachable.length > 0 ? reachable : PUBLIC_RESOLVERS;
  return format(merge({ ...host, nameservers: inherited }, settings));
}

/** Where a container on a user's network asks: the engine, through the container's shim. Docker's address. */
const EMBEDDED_RESOLVER = "127.0.0.11";

/**
 * The file of a container whose names the engine resolves: a name without a dot is asked for as it is (`ndots:0`), for so
 * containers are called. @throws invalid `INVALID_DNS`
 */
export function embeddedResolvConf(hostFile: string, settings: ResolverSettings): string {
  const { search, options } = merge(parse(hostFile), settings);
  const dots = dotsOf(options) === undefined ? ["ndots:0"] : [];
  return format({ nameservers: [EMBEDDED_RESOLVER], search, options: [...options, ...dots] });
}

/**
 * Whom the engine asks for such a container: from the host, where also its resolvers on loopback are reachable.
 * @returns servers in order, and whether the container itself completes names without a dot.
 */
export function upstreamResolvers(hostFile: string, settings: ResolverSettings): Upstream {
  const { nameservers, options } = merge(parse(hostFile), settings);
  const servers = nameservers.filter((address) => isIP(address) !== 0 && address !== EMBEDDED_RESOLVER);
  return { servers: servers.length > 0 ? servers : PUBLIC_RESOLVERS, completesNames: (dotsOf(options) ?? 0) > 0 };
}

function dotsOf(options: readonly string[]): number | undefined {
  const dots = options.flatMap((option) => /^ndots:(\d+)$/.exec(option)?.[1] ?? []).at(-1);
  return dots === undefined ? undefined : Number(dots);
}

/** The file with `--network host`, where the host's resolvers are reachable as they are. @throws invalid `INVALID_DNS` */
export function hostNetworkResolvConf(hostFile: string, settings: ResolverSettings): string {
  const asIs = settings.nameservers.length + settings.search.length + settings.options.length === 0;
  return asIs ? hostFile : format(merge(parse(hostFile), settings));
}

function merge(host: ResolverSettings, settings: ResolverSettings): ResolverSettings {
  for (const address of settings.nameservers) {
    if (isIP(address) === 0)
      fail("invalid", "INVALID_DNS", `bad nameserver address: "${address}" is not an IP address`);
  }
  for (const word of [...settings.search, ...settings.options]) {
    // One of these would start a line of its own.
    if (/\s/.test(word))
      fail("invalid", "INVALID_DNS", `bad search domain or resolver option: ${JSON.stringify(word)}`);
  }
  const choose = (asked: readonly string[], inherited: readonly string[]) => (asked.length > 0 ? asked : inherited);
  const search = choose(settings.search, host.search);
  return {
    nameservers: choose(settings.nameservers, host.nameservers),
    search: search.length === 1 && search[0] === "." ? [] : search,
    options: choose(settings.options, host.options),
  };
}

/** resolv.conf(5): the last `search` or `domain` counts; options add up. */
function parse(text: string): ResolverSettings {
  const nameservers: string[] = [];
  const options: string[] = [];
  let search: string[] = [];
  for (const line of text.split("\n")) {
    const [keyword, ...words] = line
      .replace(/[#;].*/, "")
      .trim()
      .split(/\s+/);
    if (keyword === "nameserver") nameservers.push(...words.slice(0, 1));
    if (keyword === "search" || keyword === "domain") search = words;
    if (keyword === "options") options.push(...words);
  }
  return { nameservers, search, options };
}

function format({ nameservers, search, options }: ResolverSettings): string {
  const lines = nameservers.map((address) => `nameserver ${address}`);
  if (search.length > 0) lines.push(`search ${search.join(" ")}`);
  if (options.length > 0) lines.push(`options ${options.join(" ")}`);
  return `${lines.join("\n")}\n`;
}

function isReachable(address: string): boolean {
  const ipv4 = isIPv4(address) ? parseIpv4(address) : undefined;
  return ipv4 !== undefined && ipv4 !== 0 && !isLoopback(ipv4);
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // A host without a resolver's file is one without resolvers.
  }
}
