import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import {
  create,
  type DescMessage,
  type DescMethodBiDiStreaming,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { fail, messageOf } from "../base/errors.ts";
import { frameOf, messagesOf } from "./frames.ts";
import { endWhole, HTTP2_SETTINGS } from "./http2-connection.ts";
import { type Trailers, trailersOfError } from "./status.ts";

/** What a handler knows of a call besides its messages. */
export interface Call {
  readonly metadata: IncomingHttpHeaders;
  /** Aborted when the caller cancels the call or goes away. */
  readonly signal: AbortSignal;
}

/** A method with its messages' types closed over, so that all fit one table. */
export interface GrpcRoute {
  readonly path: string;
  readonly answer: (requests: AsyncIterable<Uint8Array>, call: Call) => AsyncIterable<Uint8Array>;
}

export interface GrpcServerOptions {
  /** What else ends a failed call besides status and message. */
  readonly detailsOf?: (error: unknown) => Trailers;
  /** Told of every failed call. */
  readonly onError?: (path: string, error: unknown) => void;
}

/**
 * A server without a port: calls are taken from the connections that it is handed, which speak HTTP/2 from their first byte.
 * @returns takes one connection; it ends when the other side ends it.
 */
export function createGrpcServer(routes: readonly GrpcRoute[], options: GrpcServerOptions = {}): (on: Duplex) => void {
  const table = new Map(routes.map((route) => [route.path, route]));
  const server = createServer({ settings: HTTP2_SETTINGS });
  server.on("stream", (stream: ServerHttp2Stream, headers) => void answer(table, options, stream, headers));
  // A connection that breaks aborts its calls; there is nobody else to tell.
  server.on("sessionError", () => {});
  return (connection) => {
    endWhole(connection);
    server.emit("connection", connection);
  };
}

export function unary<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  handle: (request: MessageShape<I>, call: Call) => Promise<MessageInitShape<O>> | MessageInitShape<O>,
): GrpcRoute {
  return {
    path: pathOf(method),
    async *answer(requests, call) {
      yield encode(method.output, await handle(decode(method.input, await only(requests)), call));
    },
  };
}

export function serverStream<I extends DescMessage, O extends DescMessage>(
  method: DescMethodServerStreaming<I, O>,
  handle: (request: MessageShape<I>, call: Call) => AsyncIterable<MessageInitShape<O>>,
): GrpcRoute {
  return {
    path: pathOf(method),
    async *answer(requests, call) {
      const request = decode(method.input, await only(requests));
      for await (const reply of handle(request, call)) yield encode(method.output, reply);
    },
  };
}

export function bidiStream<I extends DescMessage, O extends DescMessage>(
  method: DescMethodBiDiStreaming<I, O>,
  handle: (requests: AsyncIterable<MessageShape<I>>, call: Call) => AsyncIterable<MessageInitShape<O>>,
): GrpcRoute {
  return {
    path: pathOf(method),
    async *answer(requests, call) {
      for await (const reply of handle(decoded(method.input, requests), call)) yield encode(method.output, reply);
    },
  };
}

export function pathOf(method: { readonly name: string; readonly parent: { readonly typeName: string } }): string {
  return `/${method.parent.typeName}/${method.name}`;
}

async function answer(
  table: ReadonlyMap<string, GrpcRoute>,
  options: GrpcServerOptions,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): Promise<void> {
  const gone = new AbortController();
  stream.once("close", () => gone.abort(new Error("the caller left")));
  stream.on("error", () => {});
  const path = headers[":path"] ?? "";
  let trailers: Trailers = { "grpc-status": "0" };
  stream.once("wantTrailers", () => stream.sendTrailers(trailers));
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  try {
    const route = table.get(path) ?? fail("not-implemented", "GRPC_METHOD", `unknown method ${path}`);
    const call: Call = { metadata: headers, signal: gone.signal };
    for await (const message of route.answer(messagesOf(stream.iterator({ destroyOnReturn: false })), call)) {
      if (gone.signal.aborted) return;
      if (!stream.write(frameOf(message))) await once(stream, "drain", { signal: gone.signal });
    }
  } catch (error) {
    if (gone.signal.aborted) return;
    options.onError?.(path, error);
    trailers = { ...options.detailsOf?.(error), ...trailersOfError(error) };
  }
  stream.end();
}

function encode<O extends DescMessage>(schema: O, message: MessageInitShape<O>): Uint8Array {
  return toBinary(schema, create(schema, message));
}

async function* decoded<I extends DescMessage>(
  schema: I,
  messages: AsyncIterable<Uint8Array>,
): AsyncGenerator<MessageShape<I>> {
  for await (const message of messages) yield decode(schema, message);
}

function decode<I extends DescMessage>(schema: I, bytes: Uint8Array): MessageShape<I> {
  try {
    return fromBinary(schema, bytes);
  } catch (cause) {
    return fail("invalid", "GRPC_MESSAGE", `not a ${schema.typeName}: ${messageOf(cause)}`, { cause });
  }
}

async function only(messages: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  for await (const message of messages) return message;
  return fail("invalid", "GRPC_MESSAGE", "the call has no message");
}
