import type { EndpointSettings } from "../../client/container-documents.ts";
import { csvFields, keyAndValue } from "./csv-fields.ts";

/** One `--network`: a name, or `name=NAME,alias=A,ip=IP,...` with settings for that network alone. */
export interface NetworkChoice {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly ip?: string;
  readonly ip6?: string;
  readonly linkLocalIps: readonly string[];
  readonly macAddress?: string;
  readonly driverOptions: Readonly<Record<string, string>>;
  readonly gatewayPriority: number;
}

export function parseNetwork(text: string): NetworkChoice {
  const empty = { aliases: [], linkLocalIps: [], driverOptions: {}, gatewayPriority: 0 };
  if (!text.includes("=")) return { name: text, ...empty };
  const aliases: string[] = [];
  const linkLocalIps: string[] = [];
  const driverOptions: Record<string, string> = {};
  const single = new Map<string, string>();
  for (const field of csvFields(text)) {
    const [key, value] = keyAndValue(field);
    if (value === undefined) throw new Error(`invalid field ${field}`);
    switch (key.trim().toLowerCase()) {
      case "alias":
        aliases.push(value);
        break;
      case "link-local-ip":
        linkLocalIps.push(value);
        break;
      case "driver-opt": {
        const [option, setting = ""] = keyAndValue(value);
        driverOptions[option] = setting;
        break;
      }
      case "name":
      case "ip":
      case "ip6":
      case "mac-address":
      case "gw-priority":
        single.set(key.trim().toLowerCase(), value);
        break;
      default:
        throw new Error(`invalid field key ${key}`);
    }
  }
  const name = single.get("name");
  if (!name) throw new Error("network name/id is not specified");
  return {
    name,
    aliases,
    linkLocalIps,
    driverOptions,
    ip: single.get("ip"),
    ip6: single.get("ip6"),
    macAddress: single.get("mac-address"),
    gatewayPriority: Number(single.get("gw-priority") ?? 0),
  };
}

/** The settings that belong to the first network when they are given as flags of their own (`--ip`, `--link`...). */
export interface EndpointFlags {
  readonly ip: string | undefined;
  readonly ip6: string | undefined;
  readonly aliases: readonly string[];
  readonly links: readonly string[];
  readonly linkLocalIps: readonly string[];
  readonly macAddress: string | undefined;
}

/** The mode of the container, and what its networks get. @throws Error for settings that exclude each other */
export function networkSettings(
  choices: readonly NetworkChoice[],
  flags: EndpointFlags,
): { mode: string; endpoints: Record<string, EndpointSettings> } {
  const [first = parseNetwork("default"), ...others] = choices;
  const main = withFlags(first, flags);
  const endpoints: Record<string, EndpointSettings> = {};
  for (const choice of [main, ...others]) {
    if (Object.hasOwn(endpoints, choice.name)) throw new Error(`network "${choice.name}" is specified multiple times`);
    if (choice.aliases.length > 0 && !isUserDefined(choice.name)) {
      throw new Error("network-scoped aliases are only supported for user-defined networks");
    }
    endpoints[choice.name] = endpointOf(choice, choice === main ? flags.links : []);
  }
  return { mode: first.name, endpoints };
}

function withFlags(choice: NetworkChoice, flags: EndpointFlags): NetworkChoice {
  const both = (flag: string, given: boolean, own: boolean, what: string) => {
    if (given && own) throw new Error(`conflicting options: cannot specify both --${flag} and per-network ${what}`);
  };
  both("network-alias", flags.aliases.length > 0, choice.aliases.length > 0, "alias");
  both("ip", flags.ip !== undefined, choice.ip !== undefined, "IPv4 address");
  both("ip6", flags.ip6 !== undefined, choice.ip6 !== undefined, "IPv6 address");
  both("mac-address", flags.macAddress !== undefined, choice.macAddress !== undefined, "MAC address");
  both("link-local-ip", flags.linkLocalIps.length > 0, choice.linkLocalIps.length > 0, "link-local IP addresses");
  return {
    ...choice,
    aliases: [...choice.aliases, ...flags.aliases],
    ip: choice.ip ?? flags.ip,
    ip6: choice.ip6 ?? flags.ip6,
    macAddress: choice.macAddress ?? flags.macAddress,
    linkLocalIps: [...choice.linkLocalIps, ...flags.linkLocalIps],
  };
}

function endpointOf(choice: NetworkChoice, links: readonly string[]): EndpointSettings {
  const addresses = { IPv4Address: choice.ip, IPv6Address: choice.ip6, LinkLocalIPs: orNothing(choice.linkLocalIps) };
  const hasAddresses = Object.values(addresses).some((value) => value !== undefined);
  return {
    IPAMConfig: hasAddresses ? addresses : undefined,
    Aliases: orNothing(choice.aliases),
    Links: isUserDefined(choice.name) ? orNothing(links) : undefined,
    MacAddress: choice.macAddress,
    DriverOpts: Object.keys(choice.driverOptions).length > 0 ? choice.driverOptions : undefined,
    GwPriority: choice.gatewayPriority === 0 ? undefined : choice.gatewayPriority,
  };
}

function isUserDefined(name: string): boolean {
  return !["default", "bridge", "host", "none"].includes(name) && !name.startsWith("container:");
}

function orNothing<T>(values: readonly T[]): readonly T[] | undefined {
  return values.length > 0 ? values : undefined;
}
