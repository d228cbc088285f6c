import { fail, LighterError } from "../base/errors.ts";
import type { HostConfig } from "./container-config.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";
import { joinedContainer } from "./require-modes.ts";

/** A container that another, on the default bridge too, knows by an alias (`--link`). */
export interface Link {
  readonly alias: string;
  readonly target: Pick<ContainerRecord, "name" | "config">;
  readonly address: string;
}

/**
 * The links of a container on the default bridge as its record keeps them, `<full id>:<alias>`, for names may change hands.
 * On a user's network they are the endpoint's affair, and names of the network's DNS.
 * @throws invalid in Docker's words.
 */
export function resolveLinks(parts: EngineParts, hostConfig: HostConfig): HostConfig["Links"] {
  const { Links: links, NetworkMode: mode } = hostConfig;
  if (!links?.length) return links;
  if (mode === "host")
    conflict("host type networking can't be used with links. This would result in undefined behavior");
  if (joinedContainer(mode) !== null) {
    conflict("container type network can't be used with links. This would result in undefined behavior");
  }
  if (mode !== "bridge") return links;
  return links.map((text) => {
    const { name, alias } = parseLink(text);
    const target = findTarget(parts, name);
    if (target.hostConfig.NetworkMode === "host") {
      conflict("host type networking can't be used with links. This would result in undefined behavior");
    }
    return `${target.id}:${alias}`;
  });
}

/** As `inspect` shows them: `/target:/container/alias`; those whose target is gone are no more. */
export function linksDocument(parts: EngineParts, { name, hostConfig }: ContainerRecord): HostConfig["Links"] {
  if (!hostConfig.Links?.length || hostConfig.NetworkMode !== "bridge") return hostConfig.Links;
  return keptLinks(parts, hostConfig).map(({ alias, target }) => `/${target.name}:/${name}/${alias}`);
}

/**
 * The links of a container that starts, with the addresses that they lead to now.
 * @throws internal `LINK_NOT_RUNNING` in Docker's words.
 */
export function activeLinks(parts: EngineParts, { name, hostConfig }: ContainerRecord): Link[] {
  if (hostConfig.NetworkMode !== "bridge") return [];
  return keptLinks(parts, hostConfig).flatMap(({ alias, target }) => {
    if (target.state.status !== "running") {
      fail(
        "internal",
        "LINK_NOT_RUNNING",
        `Cannot link to a non running container: /${target.name} AS /${name}/${alias}`,
      );
    }
    const address = bridgeAddress(parts, target.id);
    return address === undefined ? [] : [{ alias, target, address }];
  });
}

/** Running containers that have a link to this one, with its alias there. */
export function linkedFrom(parts: EngineParts, id: string): { record: ContainerRecord; alias: string }[] {
  return parts.containers
    .all()
    .filter(({ state, hostConfig }) => state.status === "running" && hostConfig.NetworkMode === "bridge")
    .flatMap((record) =>
      (record.hostConfig.Links ?? [])
        .map(parseLink)
        .filter(({ name }) => name === id)
        .map(({ alias }) => ({ record, alias })),
    );
}

export function bridgeAddress(parts: EngineParts, id: string): string | undefined {
  const bridge = parts.networks.find("bridge")?.id;
  return parts.networks.endpointsOf(id).find(({ networkId }) => networkId === bridge)?.place?.address;
}

/** The names of a line in the container's hosts file. */
export function linkNames({ alias, target }: Pick<Link, "alias" | "target">): string[] {
  return [...new Set([alias, target.config.Hostname, target.name])];
}

/** The variables of a link as Docker has set them since its first version; @param own the linking container's name */
export function linkEnvironment({ alias, target, address }: Link, own: string): string[] {
  const prefix = alias.toUpperCase().replaceAll("-", "_");
  const ports = Object.keys(target.config.ExposedPorts)
    .map((key) => ({ number: Number(key.split("/")[0]), protocol: key.split("/")[1] ?? "tcp" }))
    .toSorted((one, other) => one.number - other.number || (one.protocol === "tcp" ? -1 : 1));
  const [first] = ports;
  const inherited = target.config.Env.filter((entry) => /^(?!HOME=|PATH=)[^=]+=/.test(entry));
  return [
    ...(first ? [`${prefix}_PORT=${first.protocol}://${address}:${first.number}`] : []),
    ...ports.flatMap(({ number, protocol }) => {
      const name = `${prefix}_PORT_${number}_${protocol.toUpperCase()}`;
      return [
        `${name}=${protocol}://${address}:${number}`,
        `${name}_ADDR=${address}`,
        `${name}_PORT=${number}`,
        `${name}_PROTO=${protocol}`,
      ];
    }),
    `${prefix}_NAME=/${own}/${alias}`,
    ...inherited.map((entry) => `${prefix}_ENV_${entry}`),
  ];
}

/** `name`, `name:alias`, or as `inspect` shows it: `/name:/container/alias`. */
export function parseLink(text: string): { readonly name: string; readonly alias: string } {
  const [name = "", alias = name, ...rest] = text.split(":");
  if (name === "" || alias === "" || rest.length > 0) {
    fail("invalid", "INVALID_LINK", `bad format for links: ${text}`);
  }
  return name.startsWith("/") ? { name: name.slice(1), alias: alias.replace(/^.*\//, "") } : { name, alias };
}

function keptLinks(parts: EngineParts, { Links: links }: HostConfig) {
  return (links ?? []).flatMap((text) => {
    const { name: id, alias } = parseLink(text);
    return parts.containers.has(id) ? [{ alias, target: parts.containers.get(id) }] : [];
  });
}

function findTarget(parts: EngineParts, name: string): ContainerRecord {
  try {
    return parts.containers.resolve(name);
  } catch (error) {
    if (!(error instanceof LighterError)) throw error;
    return fail("invalid", "LINK_NOT_FOUND", `could not get container for ${name}: ${error.message}`, { cause: error });
  }
}

function conflict(options: string): never {
  return fail("invalid", "CONFLICTING_OPTIONS", `conflicting options: ${options}`);
}
