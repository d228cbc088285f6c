import type { Address } from "./address.ts";

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
 * The transport of this runtime. On Bun a socket of its own instead of node:http, because loading node:http or node:net
 * costs a command 8 to 12 ms, which is more than everything else that it does.
 */
export async function openTransport(address: Address): Promise<Transport> {
  if ("Bun" in globalThis) return (await import("./bun-transport.ts")).openBunTransport(address);
  return (await import("./node-transport.ts")).openNodeTransport(address);
}
