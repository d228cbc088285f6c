import { fail } from "./errors.ts";

/** Where an engine listens. */
export type Address =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  /** On another machine, reached by the ssh program; without a path at that machine's own place. */
  | { readonly kind: "ssh"; readonly destination: string; readonly port: number | null; readonly path: string | null };

/** Docker's ports (IANA: docker, docker-s). */
export const PLAIN_PORT = 2375;
export const TLS_PORT = 2376;

/**
 * Reads what `-H`, `LIGHTER_HOST` and `DOCKER_HOST` hold: `unix:///path`, `tcp://host[:port]`, `ssh://[user@]host[:port][/path]`,
 * or a bare absolute path.
 * @param defaultPort of a TCP address without one
 * @throws invalid `INVALID_HOST`
 */
export function parseAddress(text: string, defaultPort: number = PLAIN_PORT): Address {
  if (text.startsWith("unix://") || text.startsWith("/")) {
    const path = text.startsWith("/") ? text : text.slice("unix://".length);
    return path.startsWith("/") ? { kind: "unix", path } : invalid(text);
  }
  if (text.startsWith("ssh://")) return parseSsh(text);
  // Without a host it is this machine, as in Docker.
  const tcp = /^(?:tcp|https?):\/\/(\[[0-9a-fA-F:]+\]|[^/:[\]]+|(?=:))(?::(\d{1,5}))?\/?$/.exec(text);
  const [, host, port] = tcp ?? invalid(text);
  if (host === undefined || Number(port ?? defaultPort) > 65535) return invalid(text);
  return { kind: "tcp", host: host.replace(/^\[|\]$/g, "") || "localhost", port: Number(port ?? defaultPort) };
}

/** A name that begins with a dash would be an option of the ssh program (CVE-2017-1000117 and its like). */
function parseSsh(text: string): Address {
  const match = /^ssh:\/\/((?:[\w.+][\w.+-]*@)?(?:\[[0-9a-fA-F:]+\]|[\w.][\w.-]*))(?::(\d{1,5}))?(\/.*)?$/.exec(text);
  const [, destination = "", port, path = ""] = match ?? invalid(text);
  if (Number(port ?? 0) > 65535) return invalid(text);
  return {
    kind: "ssh",
    destination: destination.replace(/[[\]]/g, ""),
    port: port === undefined ? null : Number(port),
    path: path === "" || path === "/" ? null : path,
  };
}

/** The inverse of {@link parseAddress}. */
export function formatAddress(address: Address): string {
  switch (address.kind) {
    case "unix":
      return `unix://${address.path}`;
    case "tcp":
      return `tcp://${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
    case "ssh":
      return `ssh://${address.destination}${address.port === null ? "" : `:${address.port}`}${address.path ?? ""}`;
    default:
      return address satisfies never;
  }
}

function invalid(text: string): never {
  return fail(
    "invalid",
    "INVALID_HOST",
    `invalid engine address "${text}": expected unix:///path, tcp://host:port or ssh://user@host`,
  );
}
