import { once } from "node:events";
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { setImmediate } from "node:timers/promises";
import { fail, messageOf } from "../base/errors.ts";
import { type ApiVersion, since } from "./api-version.ts";
import { type DocumentStyle, PLAIN_TEXT, type Reply } from "./reply.ts";
import { type AttachedStreams, splice } from "./splice.ts";
import { unframe } from "./unframe.ts";
import { websocketHandshake, websocketStream } from "./websocket.ts";

export const RAW_STREAM = "application/vnd.docker.raw-stream";
export const MULTIPLEXED_STREAM = "application/vnd.docker.multiplexed-stream";

/** Where a reply goes. */
export interface Client {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly version: ApiVersion;
  /** The bare connection and what was read of it, where the client asked for an upgrade. */
  readonly upgraded: { readonly socket: Socket; readonly head: Buffer } | null;
  readonly abort: AbortSignal;
}

/**
 * Writes a reply and resolves when it is out. Until the first byte a failure rejects, so that it can be answered as an
 * error; after it, it is told within the stream where the format has a place for it, or else cuts the connection.
 */
export async function sendReply(client: Client, reply: Reply): Promise<void> {
  const { response, abort } = client;
  switch (reply.kind) {
    case "empty":
      response.writeHead(reply.status, reply.headers);
      response.end();
      return;
    case "json":
      return sendJson(response, reply.status, reply.body, reply.headers);
    case "text":
      response.writeHead(200, {
        "Content-Type": PLAIN_TEXT,
        ...reply.headers,
        "Content-Length": Buffer.byteLength(reply.body),
      });
      response.end(reply.body);
      return;
    case "later":
      return sendLater(response, reply.body);
    case "bytes":
      response.writeHead(200, { ...reply.headers, "Content-Type": reply.contentType });
      response.flushHeaders();
      return pipeline(reply.body, response);
    case "documents":
      return sendDocuments(response, reply.documents, JSON.stringify, reply.style, abort);
    case "lines":
      return sendDocuments(response, reply.lines, (line) => line, "feed", abort);
    case "upgrade":
      return sendUpgrade(client, reply.protocol, reply.take);
    case "hijack":
      if (reply.protocol === "websocket") return sendWebsocket(client, reply.streams);
      return sendHijack(client, reply.streams, reply.headers);
    default:
      return reply satisfies never;
  }
}

export function sendJson(response: ServerResponse, status: number, body: unknown, headers?: OutgoingHttpHeaders): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    ...headers,
    "Content-Type": "application/json",
    "Content-Length": Buffer.byteLength(text),
  });
  response.end(text);
}

async function sendLater(response: ServerResponse, body: Promise<unknown>): Promise<void> {
  await refusedAtOnce(body);
  response.writeHead(200, { "Content-Type": "application/json" });
  response.flushHeaders();
  response.end(`${JSON.stringify(await body)}\n`);
}

async function sendDocuments<T>(
  response: ServerResponse,
  documents: AsyncIterable<T>,
  encode: (document: T) => string,
  style: DocumentStyle,
  abort: AbortSignal,
): Promise<void> {
  const iterator = documents[Symbol.asyncIterator]();
  const lineEnd = style === "progress" ? "\r\n" : "\n";
  const lines = new LineWriter(response, abort);
  try {
    const first = iterator.next();
    await (style === "progress" ? first : refusedAtOnce(first));
    response.writeHead(200, { "Content-Type": "application/json" });
    response.flushHeaders();
    let next = await first;
    while (!next.done && !abort.aborted) {
      await lines.write(encode(next.value) + lineEnd);
      next = await iterator.next();
    }
    lines.flush();
  } catch (error) {
    lines.flush();
    if (!response.headersSent || style === "feed") throw error;
    const message = messageOf(error);
    response.write(JSON.stringify({ errorDetail: { message }, error: message }) + lineEnd);
  } finally {
    // Whoever produces the documents lets go of what it holds, also when the client went away in the middle.
    await iterator.return?.();
  }
  response.end();
}

/**
 * Lines that come together go out together, at the end of the turn. Many take several turns: a producer that always has the
 * next one ready would otherwise keep the event loop from everybody else. A client that does not read makes it wait.
 */
class LineWriter {
  #waiting = "";
  #taken: Promise<void> = Promise.resolve();

  constructor(
    private readonly response: ServerResponse,
    private readonly abort: AbortSignal,
  ) {}

  async write(line: string): Promise<void> {
    await this.#taken;
    if (this.#waiting === "") void setImmediate().then(() => this.flush());
    this.#waiting += line;
    if (this.#waiting.length >= LINES_PER_TURN) await setImmediate();
  }

  flush(): void {
    if (this.#waiting === "" || this.response.destroyed) return;
    if (!this.response.write(this.#waiting)) this.#taken = drained(this.response, this.abort);
    this.#waiting = "";
  }
}

/** In characters; some tens of events. */
const LINES_PER_TURN = 16 * 1024;

/** Resolves when the client has taken what was written, or is gone. */
async function drained(response: ServerResponse, abort: AbortSignal): Promise<void> {
  try {
    await once(response, "drain", { signal: abort });
  } catch (error) {
    if (!abort.aborted) throw error;
  }
}

/** The connection leaves HTTP. Without `Upgrade` the streams are the bodies of request and response, as old clients expect. */
async function sendHijack(
  client: Client,
  streams: AttachedStreams,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  await refusedAtOnce(streams.socket);
  const { request, response, upgraded } = client;
  if (upgraded) {
    const framed = streams.result !== undefined || !streams.tty;
    const type = framed && since(client.version, 42) ? MULTIPLEXED_STREAM : RAW_STREAM;
    const lines = Object.entries({ "Content-Type": type, Connection: "Upgrade", Upgrade: "tcp", ...headers });
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    const socket = leaveHttp(client, `HTTP/1.1 101 UPGRADED\r\n${head}\r\n`);
    return splice({ input: socket, output: socket }, streams);
  }
  // Framing by chunks would reach clients that read the bare connection; without it the end is the connection's.
  response.useChunkedEncodingByDefault = false;
  response.shouldKeepAlive = false;
  response.writeHead(200, { "Content-Type": RAW_STREAM });
  response.flushHeaders();
  return splice({ input: request, output: response }, { ...streams, stdin: streams.stdin && hasBody(request) });
}

/** The connection leaves HTTP for good: nothing of it is ours any more. */
async function sendUpgrade(
  client: Client,
  protocol: string,
  take: (connection: Socket) => Promise<void> | void,
): Promise<void> {
  const head = `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`;
  await take(leaveHttp(client, head));
}

/** As {@link sendHijack}, but what a process writes travels in messages instead of Docker's frames. */
async function sendWebsocket(client: Client, streams: AttachedStreams): Promise<void> {
  const handshake = websocketHandshake(client.request.headers);
  await refusedAtOnce(streams.socket);
  const messages = websocketStream(leaveHttp(client, handshake));
  const output = streams.tty ? messages : unframe();
  if (output !== messages) pipeline(output, messages).catch(() => output.destroy());
  return splice({ input: messages, output }, streams);
}

/** @throws invalid `NOT_UPGRADED` where the client asked for no upgrade */
function leaveHttp({ response, upgraded }: Client, head: string): Socket {
  if (!upgraded) fail("invalid", "NOT_UPGRADED", "this endpoint needs a connection that is upgraded: send Upgrade");
  const { socket, head: early } = upgraded;
  response.detachSocket(socket);
  socket.write(head);
  if (early.length > 0) socket.unshift(early);
  return socket;
}

/** A body that was announced; the end of one that was not is no end of the process's input. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

/**
 * Rejects with what the promise was refused with in this turn of the event loop - no such container, not running -
 * while there is still a status to say it with. Registering for an event takes no longer.
 */
async function refusedAtOnce(promise: Promise<unknown>): Promise<void> {
  await Promise.race([promise, setImmediate()]);
}
