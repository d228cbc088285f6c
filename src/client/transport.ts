import type { Address } from "../base/engine-address.ts";
import { LighterError } from "../base/errors.ts";
import { connectionLost } from "./connection-error.ts";
import type { TlsCredentials } from "./tls-credentials.ts";

/** What a socket of this machine can reach. */
export type DirectAddress = Exclude<Address, { kind: "ssh" }>;

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "DELETE";

export interface Request {
  readonly method: Method;
  /** Path and query, already encoded. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A string is sent as JSON; a stream goes out chunked, while it is produced. */
  readonly body?: string | AsyncIterable<Uint8Array>;
}

export interface Response {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** To be read to its end, or left by `break`, which closes the connection. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** A connection that has left HTTP behind (status 101): raw bytes in both directions. */
export interface RawStream {
  readonly output: AsyncIterable<Uint8Array>;
  /** Resolves when the bytes are handed to the system. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends our half; the engine sees end of file and may go on sending. */
  end(): void;
  close(): void;
}

/** HTTP/1.1 to one engine. Connections are kept and used again; each concurrent request has its own. */
export interface Transport {
  /** Makes sure that there is a connection, which the next request then uses. @throws as {@link Transport.send} */
  connect(): Promise<void>;
  /** @throws unavailable `ENGINE_UNREACHABLE`, `CONNECTION_LOST`; forbidden `ENGINE_FORBIDDEN` */
  send(request: Request): Promise<Response>;
  /** Asks to upgrade; `stream` is null when the engine answered with an ordinary response. */
  upgrade(request: Request): Promise<Response & { readonly stream: RawStream | null }>;
  close(): void;
}

/**
 * The transport to an address. On Bun a socket of its own instead of node:http, because loading node:http or node:net
 * costs a command 8 to 12 ms, which is more than everything else that it does.
 * TLS and ssh have their own costs, and no command of a person waits for these milliseconds there.
 * @param tls for TCP; null: without
 */
export async function openTransport(address: Address, tls: TlsCredentials | null = null): Promise<Transport> {
  if (address.kind === "ssh") return openSshTransport(address);
  if ("Bun" in globalThis && (tls === null || address.kind === "unix")) {
    return (await import("./bun-transport.ts")).openBunTransport(address);
  }
  return (await import("./node-transport.ts")).openNodeTransport(address, tls);
}

async function openSshTransport(address: Extract<Address, { kind: "ssh" }>): Promise<Transport> {
  const { openSshBridge } = await import("./ssh-bridge.ts");
  const bridge = await openSshBridge(address);
  const transport = await openTransport({ kind: "unix", path: bridge.socket });
  // The bridge's own socket is nobody's business: what failed is the way to the other machine.
  const named = <T>(answer: Promise<T>): Promise<T> =>
    answer.catch((error) => {
      throw error instanceof LighterError ? connectionLost(address, error) : error;
    });
  return {
    connect: () => named(transport.connect()),
    send: (request) => named(transport.send(request)),
    upgrade: (request) => named(transport.upgrade(request)),
    close() {
      transport.close();
      bridge.close();
    },
  };
}
