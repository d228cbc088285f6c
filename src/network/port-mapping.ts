import { fail } from "../base/errors.ts";
import { parseIpv4 } from "./ipv4.ts";
import { formatIpv6, parseIpv6 } from "./ipv6.ts";

export type Protocol = "tcp" | "udp" | "sctp";

/** A published port whose numbers are known. Both addresses are of one family; `0.0.0.0` and `::` are every address of the host. */
export interface PortMapping {
  readonly protocol: Protocol;
  readonly hostIp: string;
  readonly hostPort: number;
  readonly containerIp: string;
  readonly containerPort: number;
}

/** A port to publish, as asked for. */
export interface PortRequest {
  readonly protocol: Protocol;
  readonly containerPort: number;
  /** Empty: the network's own choice, usually every address. */
  readonly hostIp: string;
  /** One of these is taken, the lowest that is free; null leaves the choice to the kernel. */
  readonly hostPorts: PortRange | null;
}

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** The fields of Docker's container configuration that speak of ports, in its names. */
export interface PortSettings {
  /** `80/tcp`; the protocol is tcp where it is missing. */
  readonly ExposedPorts: Readonly<Record<string, unknown>>;
  readonly PortBindings: Readonly<Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[]>>;
  readonly PublishAllPorts: boolean;
}

/** Docker's `NetworkSettings.Ports`: null for a port that is exposed and not published. */
export type PortsDocument = Record<string, { HostIp: string; HostPort: string }[] | null>;

/**
 * What has to be published: every binding, and with PublishAllPorts every exposed port without one.
 * @throws invalid `INVALID_PORT` in Docker's words.
 */
export function parsePortRequests(settings: PortSettings): PortRequest[] {
  const bound = Object.entries(settings.PortBindings).flatMap(([key, bindings]) => {
    const port = parseContainerPort(key);
    // An empty list publishes nothing by itself; `-p 80` sends one binding with empty fields.
    const wanted = bindings.length > 0 ? bindings : settings.PublishAllPorts ? [{ HostIp: "", HostPort: "" }] : [];
    return wanted.map(({ HostIp, HostPort }) => ({
      ...port,
      hostIp: parseHostIp(HostIp),
      hostPorts: parseHostPorts(HostPort),
    }));
  });
  if (!settings.PublishAllPorts) return bound;
  const isBound = ({ protocol, containerPort }: ContainerPort) =>
    bound.some((request) => request.protocol === protocol && request.containerPort === containerPort);
  const exposed = Object.keys(settings.ExposedPorts).flatMap(parseExposedPorts);
  return [
    ...bound,
    ...exposed.filter((port) => !isBound(port)).map((port) => ({ ...port, hostIp: "", hostPorts: null })),
  ];
}

/** The document that clients read back: exposed ports and published ones. */
export function portsDocument(
  exposedPorts: Readonly<Record<string, unknown>>,
  mappings: readonly Pick<PortMapping, "protocol" | "hostIp" | "hostPort" | "containerPort">[],
): PortsDocument {
  const document: PortsDocument = {};
  for (const port of Object.keys(exposedPorts).flatMap(parseExposedPorts)) document[portKey(port)] = null;
  for (const mapping of mappings) {
    const key = portKey(mapping);
    document[key] = [...(document[key] ?? []), { HostIp: mapping.hostIp, HostPort: String(mapping.hostPort) }];
  }
  return document;
}

interface ContainerPort {
  readonly protocol: Protocol;
  readonly containerPort: number;
}

function portKey({ protocol, containerPort }: ContainerPort): string {
  return `${containerPort}/${protocol}`;
}

function parseContainerPort(key: string): ContainerPort {
  const { protocol, ports } = splitProtocol(key);
  const port = parsePort(ports);
  return port === undefined ? invalidPort(ports) : { protocol, containerPort: port };
}

/** An image may expose a range (`EXPOSE 8000-8010`). */
function parseExposedPorts(key: string): ContainerPort[] {
  const { protocol, ports } = splitProtocol(key);
  const range = parseRange(ports);
  if (range === undefined) invalidPort(ports);
  return Array.from({ length: range.last - range.first + 1 }, (_, i) => ({ protocol, containerPort: range.first + i }));
}

function splitProtocol(key: string): { protocol: Protocol; ports: string } {
  const [ports = "", protocol = "tcp", ...rest] = key.split("/");
  const name = protocol.toLowerCase();
  if (rest.length > 0 || (name !== "tcp" && name !== "udp" && name !== "sctp")) {
    fail("invalid", "INVALID_PORT", `invalid port specification: "${key}": the protocol is tcp, udp or sctp`);
  }
  return { protocol: name, ports };
}

function parseHostPorts(text: string): PortRange | null {
  if (text === "" || text === "0") return null;
  return parseRange(text) ?? invalidPort(text);
}

function parseRange(text: string): PortRange | undefined {
  const [start = "", end = start, ...rest] = text.split("-");
  const first = parsePort(start);
  const last = parsePort(end);
  return rest.length > 0 || first === undefined || last === undefined || first > last ? undefined : { first, last };
}

function parsePort(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port > 0 && port <= 65535 ? port : undefined;
}

function parseHostIp(text: string): string {
  if (text === "" || parseIpv4(text) !== undefined) return text;
  const ipv6 = parseIpv6(text);
  if (ipv6 !== undefined) return formatIpv6(ipv6);
  return fail("invalid", "INVALID_PORT", `invalid IP address: ${text}`);
}

function invalidPort(text: string): never {
  return fail("invalid", "INVALID_PORT", `invalid port specification: "${text}"`);
}
