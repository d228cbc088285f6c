import { type IncomingMessage, type Server, type ServerOptions, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { fail, LighterError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { formatApiVersion, MAXIMUM_API_VERSION, splitVersion } from "./api-version.ts";
import { errorBody, statusOfError } from "./error-status.ts";
import { parseRawQuery } from "./query.ts";
import type { Route } from "./route.ts";
import { compileRoutes, type FindRoute } from "./route-table.ts";
import { type Client, sendJson, sendReply } from "./send-reply.ts";
import type { Services } from "./services.ts";

/** Registry credentials and build arguments travel in headers and URLs; Go's servers take as much. */
const MAX_HEADER_BYTES = 1024 * 1024;

/** From a request's first byte to the end of its headers; silent connections are clients that keep one for later. */
const HEADERS_TIMEOUT_MS = 60_000;

/**
 * The Engine API over HTTP/1.1; the caller makes it listen.
 * @param create node:http's, or node:https' with credentials
 */
export function createApiServer(
  services: Services,
  routes: readonly Route[],
  options: { readonly log: Log; readonly product: string },
  create: (options: ServerOptions) => Server,
): Server {
  const context: Context = { services, findRoute: compileRoutes(routes), log: options.log };
  const server = create({
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    // A build's context may take its time, and Docker's clients keep idle connections for as long as they like.
    requestTimeout: 0,
    keepAliveTimeout: 0,
    // `curl --http2` asks every route for an upgrade; where there is nothing to become, the request is a plain one.
    shouldUpgradeCallback: (request) => find(context, request)?.route.hijacks ?? false,
  });
  server.on("request", (request, response) => {
    setCommonHeaders(response, options.product);
    void respond(context, request, response, null);
  });
  server.on("upgrade", (request: IncomingMessage, duplex: Duplex, head: Buffer) => {
    const socket = duplex as Socket;
    // A refusal is still an HTTP response: it gets the connection back for as long as it is written.
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.once("finish", () => {
      response.detachSocket(socket);
      socket.end();
    });
    setCommonHeaders(response, options.product);
    // Who resets the connection has left; `close` follows and says so.
    socket.on("error", () => {});
    void respond(context, request, response, { socket, head });
  });
  return server;
}

interface Context {
  readonly services: Services;
  readonly findRoute: FindRoute;
  readonly log: Log;
}

function setCommonHeaders(response: ServerResponse, product: string): void {
  response.setHeader("Api-Version", formatApiVersion(MAXIMUM_API_VERSION));
  response.setHeader("Docker-Experimental", "false");
  response.setHeader("Ostype", "linux");
  response.setHeader("Server", product);
}

async function respond(
  context: Context,
  request: IncomingMessage,
  response: ServerResponse,
  upgraded: Client["upgraded"],
): Promise<void> {
  const started = performance.now();
  const answered = { route: "other", isStream: false };
  const gone = new AbortController();
  const connection = upgraded?.socket ?? response;
  connection.once("close", () => {
    if (!response.writableFinished) gone.abort(new Error("the client closed the connection"));
  });
  try {
    const { path, rawQuery } = splitUrl(request.url ?? "/");
    const { version, path: plainPath } = splitVersion(path);
    // As Docker, whatever the path: no origin but the engine's own may read its answers, and that is not said here.
    if (request.method === "OPTIONS") return void response.writeHead(200, { "Content-Length": 0 }).end();
    const found = context.findRoute(request.method ?? "GET", plainPath);
    if (!found) fail("not-found", "PAGE_NOT_FOUND", "page not found");
    const { route, params } = found;
    answered.route = `${route.method} ${route.path}`;
    const abort = gone.signal;
    const reply = await route.answer({ services: context.services, version, params, rawQuery, request, abort });
    answered.isStream = !["empty", "json", "text"].includes(reply.kind);
    await sendReply({ request, response, version, upgraded, abort }, reply);
  } catch (error) {
    answerError(context, request, response, error, gone.signal);
  }
  const seconds = (performance.now() - started) / 1000;
  context.services.metrics.observe({ ...answered, status: response.statusCode, seconds });
}

function answerError(
  { log }: Context,
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
  gone: AbortSignal,
): void {
  const status = statusOfError(error);
  if (status === 500 && !gone.aborted) {
    log("error", "request failed", { method: request.method, url: request.url, error, stack: stackOf(error) });
  }
  if (response.headersSent || gone.aborted) {
    // Too late for a status: the cut connection says that what came is not all.
    response.destroy();
  } else if (status === 304) {
    response.writeHead(304).end();
  } else {
    sendJson(response, status, errorBody(error));
  }
}

/** Where a bug is; a failure that was foreseen has said all in its message. */
function stackOf(error: unknown): string | undefined {
  return error instanceof Error && !(error instanceof LighterError) ? error.stack : undefined;
}

function find(context: Context, request: IncomingMessage): ReturnType<FindRoute> {
  try {
    const { path } = splitUrl(request.url ?? "/");
    return context.findRoute(request.method ?? "GET", splitVersion(path).path);
  } catch {
    // The same path is looked at again as a plain request, which is refused with the reason.
    return null;
  }
}

/** Path and query of a request target, in origin form or, as proxies send it, in absolute form (RFC 9112, 3.2). */
function splitUrl(url: string) {
  const target = url.replace(/^https?:\/\/[^/?]*/i, "");
  const at = target.indexOf("?");
  const path = at < 0 ? target : target.slice(0, at);
  return { path: path || "/", rawQuery: parseRawQuery(at < 0 ? "" : target.slice(at + 1)) };
}
