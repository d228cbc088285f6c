import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Address } from "../base/engine-address.ts";
import { errnoOf, type LighterError } from "../base/errors.ts";
import { connectionLost, unreachable } from "./connection-error.ts";
import type { TlsCredentials } from "./tls-credentials.ts";
import type { DirectAddress, RawStream, Request, Response, Transport } from "./transport.ts";

type Answer = Response & { readonly stream: RawStream | null };

/** HTTP/1.1 over node:http, for Node; over node:https where there are credentials. */
export function openNodeTransport(address: DirectAddress, tls: TlsCredentials | null = null): Transport {
  const agent = tls ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  const send = tls ? httpsRequest : httpRequest;
  const secrets = tls && { ca: tls.ca, cert: tls.cert, key: tls.key, rejectUnauthorized: tls.verify };
  const raw = new Set<Socket>();
  const where = address.kind === "unix" ? { socketPath: address.path } : { host: address.host, port: address.port };

  function exchange(request: Request, upgrade: boolean): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const headers: Record<string, string> = { ...request.headers };
      if (typeof request.body === "string") headers["Content-Type"] = "application/json";
      if (upgrade) Object.assign(headers, { Connection: "Upgrade", Upgrade: "tcp" });
      const outgoing = send({ ...where, ...secrets, agent, method: request.method, path: request.path, headers });
      outgoing.on("error", (error) => reject(connectionError(address, error)));
      outgoing.on("response", (message) => resolve({ ...answerOf(message), body: message, stream: null }));
      outgoing.on("upgrade", (message, socket: Socket, first) => {
        if (first.length > 0) socket.unshift(first);
        raw.add(socket);
        socket.on("close", () => raw.delete(socket));
        resolve({ ...answerOf(message), body: socket, stream: rawStream(socket) });
      });
      sendBody(outgoing, request.body).catch((error) => reject(connectionError(address, error)));
    });
  }

  return {
    async connect() {
      const { body } = await exchange({ method: "GET", path: "/_ping" }, false);
      for await (const _ of body);
    },
    send: (request) => exchange(request, false),
    upgrade: (request) => exchange(request, true),
    close() {
      agent.destroy();
      for (const socket of raw) socket.destroy();
    },
  };
}

async function sendBody(outgoing: ClientRequest, body: Request["body"]): Promise<void> {
  if (body === undefined || typeof body === "string") outgoing.end(body);
  else await pipeline(Readable.from(body, { objectMode: false }), outgoing);
}

function answerOf(message: IncomingMessage): { status: number; headers: Map<string, string> } {
  const headers = Object.entries(message.headers).map(([name, value]): [string, string] => [name, String(value)]);
  return { status: message.statusCode ?? 0, headers: new Map(headers) };
}

function rawStream(socket: Socket): RawStream {
  socket.on("error", () => socket.destroy()); // The reader of `output` gets the error; without this the process would.
  return {
    output: socket,
    write: (bytes) =>
      new Promise((resolve, reject) => socket.write(bytes, (error) => (error ? reject(error) : resolve()))),
    end: () => socket.end(),
    close: () => socket.destroy(),
  };
}

/** What cannot have reached an engine, apart from what was cut off. */
const UNREACHED = new Set(["ENOENT", "ECONNREFUSED", "EACCES", "EPERM", "ENOTFOUND", "EHOSTUNREACH", "ETIMEDOUT"]);
/** How OpenSSL and Node name what is wrong with certificates. */
const TLS_FAILURE = /^(?:ERR_(?:TLS|SSL)_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|CERT_|EPROTO)/;

function connectionError(address: Address, cause: Error): LighterError {
  const errno = errnoOf(cause) ?? "";
  return UNREACHED.has(errno) || TLS_FAILURE.test(errno) ? unreachable(address, cause) : connectionLost(address, cause);
}
