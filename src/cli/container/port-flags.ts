import type { PortBinding } from "../../client/container-documents.ts";
import { csvFields, keyAndValue } from "./csv-fields.ts";
import { isIpAddress } from "./ip-address.ts";

export interface PublishedPorts {
  /** `80/tcp` to nothing. */
  readonly exposed: Record<string, object>;
  readonly bindings: Record<string, PortBinding[]>;
}

/** Reads all of `-p [ip:][hostPort:]containerPort[/protocol]` with ranges, and `-p target=80,published=8080`. */
export function parsePublished(words: readonly string[]): PublishedPorts {
  const exposed: Record<string, object> = {};
  const bindings: Record<string, PortBinding[]> = {};
  for (const word of words) {
    for (const [port, binding] of publish(word.includes("=") ? fromLongForm(word) : word)) {
      exposed[port] = {};
      bindings[port] = [...(bindings[port] ?? []), binding];
    }
  }
  return { exposed, bindings };
}

/** Reads all of `--expose port[-port][/protocol]`. */
export function parseExposed(words: readonly string[]): Record<string, object> {
  const exposed: Record<string, object> = {};
  for (const word of words) {
    if (word.includes(":")) throw new Error(`invalid port format for --expose: ${word}`);
    const [range = "", protocol = "tcp"] = word.split("/");
    const numbers = portRange(range);
    if (!numbers) {
      throw new Error(
        `invalid range format for --expose: ${word}, error: strconv.ParseUint: parsing "${range}": invalid syntax`,
      );
    }
    for (let port = numbers.first; port <= numbers.last; port++) exposed[`${port}/${protocol}`] = {};
  }
  return exposed;
}

function publish(word: string): [string, PortBinding][] {
  const [, address = "", rest = word] = /^(?:(.*):)?([^:]*:[^:]*)$/.exec(word) ?? [];
  const [hostText, containerText] = rest.includes(":")
    ? [rest.replace(/:[^:]*$/, ""), rest.replace(/^.*:/, "")]
    : ["", rest];
  const HostIp = address.replace(/^\[(.*)\]$/, "$1");
  if (HostIp !== "" && !isIpAddress(HostIp)) throw new Error(`invalid IP address: ${HostIp}`);
  const [containerRange = "", protocol = "tcp"] = containerText.split("/");
  if (containerRange === "") throw new Error(`no port specified: ${word}<empty>`);
  const container = portRange(containerRange) ?? invalid("containerPort", containerRange);
  const host = hostText === "" ? null : (portRange(hostText) ?? invalid("hostPort", hostText));
  if (!["tcp", "udp", "sctp"].includes(protocol.toLowerCase())) throw new Error(`invalid proto: ${protocol}`);

  const count = container.last - container.first + 1;
  // Several host ports for one container port: the engine picks a free one of them.
  const pick = host !== null && count === 1 && host.last > host.first;
  if (host && !pick && host.last - host.first + 1 !== count) {
    throw new Error(`invalid ranges specified for container and host Ports: ${containerRange} and ${hostText}`);
  }
  return Array.from({ length: count }, (_, index) => [
    `${container.first + index}/${protocol.toLowerCase()}`,
    { HostIp, HostPort: host === null ? "" : pick ? hostText : String(host.first + index) },
  ]);
}

/** The long form in the words of the short one. */
function fromLongForm(text: string): string {
  const fields = new Map(csvFields(text).map(keyAndValue));
  const known = ["target", "published", "protocol", "mode", "name", "app_protocol"];
  for (const key of fields.keys()) if (!known.includes(key)) throw new Error(`invalid field key ${key}`);
  const target = fields.get("target");
  if (!target) throw new Error(`invalid publish "${text}": target is required`);
  return `${fields.get("published") ?? ""}:${target}/${fields.get("protocol") ?? "tcp"}`;
}

function portRange(text: string): { first: number; last: number } | null {
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  if (first === undefined || Number(last) > 65535 || Number(first) > Number(last)) return null;
  return { first: Number(first), last: Number(last) };
}

function invalid(what: string, text: string): never {
  throw new Error(`invalid ${what}: ${text}`);
}
