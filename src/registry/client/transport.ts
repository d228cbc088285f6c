import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fail } from "../../base/errors.ts";
import { VERSION } from "../../base/version.ts";
import { ConnectionFailure, withoutSecrets } from "./connection-failure.ts";
import { isInsecure } from "./endpoints.ts";
import { certificatesOf, type RegistrySettings } from "./registry-settings.ts";

/** A body that is sent as it is read: how long it is, if that is known, and the bytes, read once. */
export interface StreamedBody {
  readonly sizeBytes: number | null;
  readonly source: Readable;
  /** Told of each piece that the connection has taken. */
  readonly onSent?: (bytes: number) => void;
}

export interface ClientRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | StreamedBody;
  readonly signal: AbortSignal;
}

export interface ClientResponse {
  /** Where it came from in the end. */
  readonly url: URL;
  readonly method: string;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Must be read to its end or destroyed: it holds a connection. */
  readonly body: IncomingMessage;
}

const REDIRECT_LIMIT = 10;
const DEFAULT_IDLE_MS = 60_000;

/**
 * Connections to registries, kept open between requests. node:http and not fetch: only it streams a body with a length
 * that is announced beforehand, has per-host certificates, and both stay flat in memory for bodies of any size (measured).
 */
export class Transport implements Disposable {
  readonly #plain = new HttpAgent({ keepAlive: true });
  readonly #secure = new Map<string, HttpsAgent>();

  constructor(
    private readonly settings: RegistrySettings,
    /** Without a byte in either direction for so long, a connection is given up. */
    private readonly idleMs: number = DEFAULT_IDLE_MS,
  ) {}

  /**
   * Sends a request and follows redirects of GET and HEAD. Credentials stay with the origin they were meant for: the
   * storage behind a registry has no business with them.
   * @throws ConnectionFailure; what aborted the signal; invalid `REDIRECT` for one from TLS to plain HTTP or without end.
   */
  async send(request: ClientRequest): Promise<ClientResponse> {
    let current = request;
    for (let redirects = 0; redirects <= REDIRECT_LIMIT; redirects++) {
      const response = await this.#exchange(current);
      const location = response.headers.location;
      const isRedirect = [301, 302, 303, 307, 308].includes(response.status) && location !== undefined;
      if (!isRedirect || (request.method !== "GET" && request.method !== "HEAD")) return response;
      response.body.destroy();
      current = { ...current, ...redirected(current, location) };
    }
    return fail("invalid", "REDIRECT", `${withoutSecrets(request.url)}: stopped after ${REDIRECT_LIMIT} redirects`);
  }

  [Symbol.dispose](): void {
    this.#plain.destroy();
    for (const agent of this.#secure.values()) agent.destroy();
  }

  #exchange({ method, url, headers, body, signal }: ClientRequest): Promise<ClientResponse> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<ClientResponse>();
    const length = body === undefined ? null : body instanceof Uint8Array ? body.length : body.sizeBytes;
    const options = {
      method,
      signal,
      headers: {
        "User-Agent": `lighter/${VERSION}`,
        ...headers,
        ...(length !== null && { "Content-Length": String(length) }),
        ...(body === undefined && /^(?:POST|PUT|PATCH)$/.test(method) && { "Content-Length": "0" }),
      },
    };
    const outgoing =
      url.protocol === "https:"
        ? httpsRequest(url, { ...options, agent: this.#agentFor(url.host) })
        : httpRequest(url, { ...options, agent: this.#plain });
    const give = () => outgoing.destroy(Object.assign(new Error("i/o timeout"), { code: "ETIMEDOUT" }));
    outgoing.setTimeout(this.idleMs, give);
    // The runtime's own timeout does not see an upload whose reader has stopped.
    const watchdog = setTimeout(give, this.idleMs);
    outgoing.once("response", (answer) => {
      clearTimeout(watchdog);
      resolve({ url, method, status: answer.statusCode ?? 0, headers: answer.headers, body: answer });
    });
    outgoing.on("error", (error) => {
      clearTimeout(watchdog);
      reject(signal.aborted ? signal.reason : new ConnectionFailure(method, url, error));
    });
    if (body === undefined) outgoing.end();
    else if (body instanceof Uint8Array) outgoing.end(body);
    else {
      const watched = async function* (pieces: AsyncIterable<Buffer>) {
        for await (const piece of pieces) {
          watchdog.refresh();
          yield piece;
          body.onSent?.(piece.length);
        }
        watchdog.refresh();
      };
      // A registry may answer before it has read all, and then stops reading: the answer counts.
      pipeline(body.source, watched, outgoing).catch((error) => outgoing.destroy(error));
    }
    return promise;
  }

  #agentFor(host: string): HttpsAgent {
    let agent = this.#secure.get(host);
    if (!agent) {
      const rejectUnauthorized = !isInsecure(host, this.settings);
      agent = new HttpsAgent({ keepAlive: true, rejectUnauthorized, ...certificatesOf(this.settings, host) });
      this.#secure.set(host, agent);
    }
    return agent;
  }
}

function redirected({ url, headers = {} }: ClientRequest, location: string): Pick<ClientRequest, "url" | "headers"> {
  const target = URL.canParse(location, url.href) ? new URL(location, url) : null;
  if (target === null || !/^https?:$/.test(target.protocol)) {
    return fail("invalid", "REDIRECT", `${withoutSecrets(url)}: redirected to something that is no web address`);
  }
  if (url.protocol === "https:" && target.protocol === "http:") {
    fail("invalid", "REDIRECT", `${withoutSecrets(url)}: refused to follow a redirect from https to http`);
  }
  if (target.origin === url.origin) return { url: target, headers };
  const { Authorization: _, ...others } = headers;
  return { url: target, headers: others };
}

/**
 * A whole small body.
 * @throws invalid `ANSWER_TOO_LONG`; ConnectionFailure if it breaks off.
 */
export async function readBody({ body, url, method }: ClientResponse, limitBytes: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const piece of body) {
      bytes += piece.length;
      if (bytes > limitBytes) break;
      pieces.push(piece);
    }
  } catch (cause) {
    throw new ConnectionFailure(method, url, cause);
  }
  if (bytes > limitBytes) {
    fail("invalid", "ANSWER_TOO_LONG", `${withoutSecrets(url)}: the answer is longer than ${limitBytes} bytes`);
  }
  return Buffer.concat(pieces);
}
