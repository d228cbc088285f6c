import { BlockList, isIP } from "node:net";
import type { Reference } from "../../image/reference.ts";
import type { RegistrySettings } from "./registry-settings.ts";

/** One address at which a registry, or a mirror of it, may answer. */
export interface Endpoint {
  /** Ends with a slash; `v2/` is below it. */
  readonly base: URL;
  /** A certificate that nobody vouches for is taken. */
  readonly trustsAnyone: boolean;
  readonly isMirror: boolean;
}

/** Docker Hub answers at another host than the one in its images' names. */
const HUB = { domain: "docker.io", host: "registry-1.docker.io" };

/**
 * Where to look for a repository, in Docker's order: mirrors (for Docker Hub, and only to read), then the registry with
 * TLS and, if it is on the loopback or configured as insecure, without certificate check and then in plain HTTP.
 */
export function endpointsOf(
  domain: Reference["domain"],
  settings: RegistrySettings,
  purpose: "pull" | "push",
): readonly Endpoint[] {
  const host = domain === HUB.domain ? HUB.host : domain;
  const mirrors =
    purpose === "pull" && domain === HUB.domain
      ? settings.mirrors.map((url) => ({
          base: slashed(url),
          trustsAnyone: isInsecure(url.host, settings),
          isMirror: true,
        }))
      : [];
  const trustsAnyone = isInsecure(host, settings);
  const direct = { base: new URL(`https://${host}/`), trustsAnyone, isMirror: false };
  return trustsAnyone ? [...mirrors, direct, { ...direct, base: new URL(`http://${host}/`) }] : [...mirrors, direct];
}

/** Loopback addresses always are, as in Docker. */
export function isInsecure(host: string, { insecure }: RegistrySettings): boolean {
  const name = host.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  if (name === "localhost" || insecure.includes(host) || insecure.includes(name)) return true;
  const version = isIP(name);
  if (version === 0) return false;
  const blocks = new BlockList();
  for (const block of ["127.0.0.0/8", "::1/128", ...insecure]) {
    const [address = "", bits = ""] = block.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (isIP(address) !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === "ipv6" ? 128 : 32)) {
      blocks.addSubnet(address, Number(bits), family);
    }
  }
  return blocks.check(name, version === 6 ? "ipv6" : "ipv4");
}

function slashed(url: URL): URL {
  return url.pathname.endsWith("/") ? url : new URL(`${url.href}/`);
}
