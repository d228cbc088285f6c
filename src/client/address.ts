import { fail } from "../base/errors.ts";

/** Where an engine listens. */
export type Address =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

/** Docker's port for an engine without TLS. */
const DEFAULT_PORT = 2375;

/**
 * Reads what `-H`, `LIGHTER_HOST` and `DOCKER_HOST` hold: `unix:///path`, `tcp://host[:port]`, or a bare absolute path.
 * @throws invalid `INVALID_HOST`
 */
export function parseAddress(text: string): Address {
  if (text.startsWith("unix://") || text.startsWith("/")) {
    const path = text.startsWith("/") ? text : text.slice("unix://".length);
    return path.startsWith("/") ? { kind: "unix", path } : invalid(text);
  }
  const tcp = /^(?:tcp|http):\/\/(\[[0-9a-fA-F:]+\]|[^/:[\]]+)(?::(\d{1,5}))?\/?$/.exec(text);
  const [, host, port] = tcp ?? invalid(text);
  if (host === undefined || Number(port ?? DEFAULT_PORT) > 65535) return invalid(text);
  return { kind: "tcp", host: host.replace(/^\[|\]$/g, ""), port: Number(port ?? DEFAULT_PORT) };
}

/** The inverse of {@link parseAddress}. */
export function formatAddress(address: Address): string {
  if (address.kind === "unix") return `unix://${address.path}`;
  return `tcp://${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
}

function invalid(text: string): never {
  return fail("invalid", "INVALID_HOST", `invalid engine address "${text}": expected unix:///path or tcp://host:port`);
}
