import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fail, messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Credentials } from "../client/credentials.ts";
import { errorDocument } from "../protocol/error-document.ts";
import type { AccessPolicy } from "./access-control.ts";
import { type Answer, sendAnswer } from "./answer.ts";
import { collectGarbage, DEFAULT_GARBAGE, type GarbageOptions } from "./collect-garbage.ts";
import { handleRequest, type Registry } from "./handle-request.ts";
import { Htpasswd } from "./htpasswd.ts";
import { matchPath } from "./match-path.ts";
import { Metrics } from "./metrics.ts";
import { PullThrough } from "./pull-through.ts";
import { Refusal } from "./refusal.ts";
import { openStorage, type Quotas, usage } from "./registry-storage.ts";
import { externalAuthority, ownAuthority } from "./token-authority.ts";
import { Uploads } from "./uploads.ts";

const IDLE_CONNECTION_MS = 60_000;
/** For a request's head alone: a body takes as long as it takes. */
const HEAD_MS = 30_000;

export interface ServeOptions {
  readonly root: string;
  /** `127.0.0.1:5000`, `:5000`, `[::1]:5000`; port 0 takes a free one. */
  readonly address: string;
  readonly log: Log;
  readonly tls?: { readonly certFile: string; readonly keyFile: string } | null;
  readonly access?: AccessOptions;
  readonly readOnly?: boolean;
  readonly proxy?: { readonly url: string; readonly credentials: Credentials } | null;
  readonly quotas?: Quotas;
  /** Root of an engine on the same file system whose blobs are linked and not stored again. */
  readonly shareWith?: string | null;
  /** Collects garbage so often; null: only `lighter registry gc` does. */
  readonly garbage?: (GarbageOptions & { readonly everyMs: number }) | null;
  /** Where Prometheus finds `/metrics`; null: nowhere. */
  readonly metricsAddress?: string | null;
  readonly accessLog?: boolean;
}

export type AccessOptions =
  | { readonly kind: "open" }
  | { readonly kind: "password"; readonly htpasswd: string; readonly anonymousPull: boolean }
  /** Tokens issued by the registry itself for the users of a password file. */
  | { readonly kind: "own-tokens"; readonly htpasswd: string; readonly anonymousPull: boolean }
  | {
      readonly kind: "tokens";
      readonly realm: string;
      readonly issuer: string;
      readonly service: string;
      readonly keyFile: string;
    };

export interface RunningRegistry extends AsyncDisposable {
  /** `http://127.0.0.1:5000/`, with the port that was really taken. */
  readonly url: string;
  readonly metricsUrl: string | null;
}

/**
 * Serves a registry until it is disposed of.
 * @throws invalid for addresses and files that do not read; unavailable `CANNOT_LISTEN`.
 */
export async function serveRegistry(options: ServeOptions): Promise<RunningRegistry> {
  const { root, log } = options;
  const shared = options.shareWith ? join(options.shareWith, "content", "blobs", "sha256") : null;
  const storage = openStorage(root, { shared, quotas: options.quotas });
  const metrics = new Metrics();
  const upstream = options.proxy
    ? new PullThrough(
        storage,
        {
          url: upstreamUrl(options.proxy.url),
          credentials: options.proxy.credentials,
          certificates: [join(root, "certs.d"), "/etc/lighter/certs.d", "/etc/docker/certs.d"],
        },
        log,
      )
    : null;
  const registry: Registry = {
    storage,
    uploads: new Uploads(storage),
    policy: policyOf(options),
    readOnly: options.readOnly ?? false,
    upstream,
  };
  const server = options.tls ? createSecureServer(readTls(options.tls)) : createServer();
  server.requestTimeout = 0;
  server.headersTimeout = HEAD_MS;
  server.keepAliveTimeout = IDLE_CONNECTION_MS;
  server.on("request", (incoming, response) => {
    void respond(registry, metrics, log, options.accessLog ?? true, incoming, response);
  });
  const servers: Server[] = [];
  let garbageTimer: NodeJS.Timeout | undefined;
  const close = async () => {
    clearInterval(garbageTimer);
    upstream?.close();
    await Promise.all(servers.map(closeServer));
    storage[Symbol.dispose]();
  };
  try {
    const address = await listen(server, options.address);
    servers.push(server);
    let metricsUrl: string | null = null;
    if (options.metricsAddress) {
      const metricsServer = createServer((request, response) => {
        const found = request.url === "/metrics";
        const body = found ? metrics.render(usage(storage)) : "not found\n";
        response.writeHead(found ? 200 : 404, { "Content-Type": "text/plain; version=0.0.4" }).end(body);
      });
      metricsUrl = `http://${await listen(metricsServer, options.metricsAddress)}/metrics`;
      servers.push(metricsServer);
    }
    if (options.garbage) {
      const { everyMs, ...garbage } = { ...DEFAULT_GARBAGE, ...options.garbage };
      garbageTimer = setInterval(
        () => log("info", "garbage collected", { ...collectGarbage(storage, garbage) }),
        everyMs,
      );
    }
    return { url: `${options.tls ? "https" : "http"}://${address}/`, metricsUrl, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function respond(
  registry: Registry,
  metrics: Metrics,
  log: Log,
  accessLog: boolean,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const startedMs = performance.now();
  metrics.begin();
  const gone = new AbortController();
  response.once("close", () => gone.abort(new Error("the client closed the connection")));
  const method = incoming.method ?? "GET";
  const client = incoming.socket.remoteAddress;
  const target = splitUrl(incoming.url ?? "/");
  response.setHeader("Docker-Distribution-Api-Version", "registry/2.0");
  let route = "other";
  let user: string | null = null;
  let answer: Answer;
  try {
    const matched = matchPath(target.path);
    if (matched === null) throw new NotFound();
    route = matched.kind;
    const request = { method, query: target.query, incoming, signal: gone.signal };
    ({ answer, user } = await handleRequest(registry, request, matched));
  } catch (error) {
    answer = answerOf(error, log, method, target.path, gone.signal);
  }
  await sendAnswer(method, response, answer).catch((error) => {
    if (!gone.signal.aborted) log("warn", "an answer broke off", { method, path: target.path, error });
    response.destroy();
  });
  // An unread body would be taken for the connection's next request.
  if (!incoming.complete) incoming.resume();
  const seconds = (performance.now() - startedMs) / 1000;
  const received = Number(incoming.headers["content-length"] ?? 0);
  const sent = method === "HEAD" ? 0 : Number(response.getHeader("content-length") ?? 0);
  metrics.end({
    method: METHODS.has(method) ? method : "other",
    route,
    status: answer.status,
    seconds,
    received,
    sent,
  });
  if (!accessLog) return;
  log("info", "request", {
    client,
    user,
    method,
    path: target.path,
    status: answer.status,
    sent,
    ms: Math.round(seconds * 1000),
  });
}

const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]);

class NotFound extends Error {}

function answerOf(error: unknown, log: Log, method: string, path: string, gone: AbortSignal): Answer {
  const type = { "Content-Type": "application/json; charset=utf-8" };
  if (error instanceof NotFound)
    return { status: 404, headers: { "Content-Type": "text/plain" }, body: "404 page not found\n" };
  if (error instanceof Refusal) {
    const { status, registryCode, message, detail, headers } = error;
    return { status, headers: { ...type, ...headers }, body: errorDocument(registryCode, message, detail) };
  }
  if (!gone.aborted) log("error", "request failed", { method, path, error: messageOf(error) });
  return { status: 500, headers: type, body: errorDocument("UNKNOWN", "unknown error") };
}

function policyOf(options: ServeOptions): AccessPolicy {
  const access = options.access ?? { kind: "open" };
  switch (access.kind) {
    case "open":
      return access;
    case "password":
      return { kind: "password", users: Htpasswd.open(access.htpasswd), anonymousPull: access.anonymousPull };
    case "own-tokens": {
      const users = Htpasswd.open(access.htpasswd);
      const { anonymousPull } = access;
      return {
        kind: "token",
        authority: ownAuthority({ root: options.root, users, anonymousPull, isSecure: Boolean(options.tls) }),
      };
    }
    case "tokens":
      return { kind: "token", authority: externalAuthority(access) };
  }
}

function upstreamUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    return fail("invalid", "PROXY_URL", `invalid upstream ${JSON.stringify(text)}: expected https://HOST[:PORT]`);
  }
  return url;
}

function readTls({ certFile, keyFile }: { certFile: string; keyFile: string }): { cert: Buffer; key: Buffer } {
  try {
    return { cert: readFileSync(certFile), key: readFileSync(keyFile) };
  } catch (cause) {
    return fail("invalid", "TLS_FILES", `cannot read certificate or key: ${messageOf(cause)}`, { cause });
  }
}

/** @returns `host:port` as it was taken. */
async function listen(server: Server, address: string): Promise<string> {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(address);
  if (!match) fail("invalid", "LISTEN_ADDRESS", `invalid address ${JSON.stringify(address)}: expected [HOST]:PORT`);
  const host = match[1] ?? match[2] ?? "";
  try {
    server.listen(Number(match[3]), host === "" ? undefined : host);
    await once(server, "listening");
  } catch (cause) {
    fail("unavailable", "CANNOT_LISTEN", `cannot listen at ${address}: ${messageOf(cause)}`, { cause });
  }
  const { port } = server.address() as AddressInfo;
  return `${host === "" ? "localhost" : host.includes(":") ? `[${host}]` : host}:${port}`;
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}

function splitUrl(url: string): { path: string; query: URLSearchParams } {
  const at = url.indexOf("?");
  return { path: at < 0 ? url : url.slice(0, at), query: new URLSearchParams(at < 0 ? "" : url.slice(at + 1)) };
}
