import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import type { Duplex } from "node:stream";
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { fail, LighterError, messageOf } from "../base/errors.ts";
import { frameOf, messagesOf } from "./frames.ts";
import { endWhole, HTTP2_SETTINGS } from "./http2-connection.ts";
import { pathOf } from "./server.ts";
import { errorOfTrailers } from "./status.ts";

/** Sent with a call; a name with several values is sent several times, as gRPC's metadata is, not joined by commas. */
export type Metadata = Readonly<Record<string, string | readonly string[]>>;

/** What a call needs to know of its method. */
interface MethodOf<I extends DescMessage, O extends DescMessage> {
  readonly name: string;
  readonly parent: { readonly typeName: string };
  readonly input: I;
  readonly output: O;
}

export interface CallOptions {
  readonly metadata?: Metadata;
  /** Cancels the call; the other side hears of it. */
  readonly signal?: AbortSignal;
}

/** Calls over a connection that exists already; the other side serves. */
export class GrpcConnection implements Disposable {
  readonly #session: ClientHttp2Session;
  /** Resolves when the connection has ended, whoever ended it. */
  readonly closed: Promise<void>;

  constructor(connection: Duplex) {
    endWhole(connection);
    this.#session = connect("http://localhost", { createConnection: () => connection, settings: HTTP2_SETTINGS });
    this.closed = new Promise((resolve) => this.#session.once("close", resolve));
    // Every call learns of it by its own stream.
    this.#session.on("error", () => {});
  }

  /** @throws what the other side answered, by kind; unavailable where the connection broke */
  async call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions = {},
  ): Promise<MessageShape<O>> {
    await using stream = this.#open(method, options);
    await stream.send(request);
    stream.end();
    let reply: MessageShape<O> | undefined;
    // To the end, for the status comes last.
    for await (const message of stream) reply = message;
    return reply ?? fail("internal", "GRPC_CALL", `${pathOf(method)} had no answer`);
  }

  stream<I extends DescMessage, O extends DescMessage>(
    method: MethodOf<I, O>,
    options: CallOptions = {},
  ): GrpcStream<I, O> {
    return this.#open(method, options);
  }

  [Symbol.dispose](): void {
    this.#session.destroy();
  }

  #open<I extends DescMessage, O extends DescMessage>(
    method: MethodOf<I, O>,
    { metadata, signal }: CallOptions,
  ): GrpcStream<I, O> {
    if (this.#session.destroyed || this.#session.closed) {
      fail("unavailable", "GRPC_CONNECTION", "the connection to the client is closed");
    }
    signal?.throwIfAborted();
    const stream = this.#session.request({
      ...Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, [value].flat()])),
      ":method": "POST",
      ":path": pathOf(method),
      "content-type": "application/grpc",
      te: "trailers",
    });
    return new GrpcStream(stream, method.input, method.output, signal);
  }
}

/** One call in which both sides may say as much as they like. Disposing of it cancels what has not ended. */
export class GrpcStream<I extends DescMessage, O extends DescMessage> implements AsyncDisposable {
  readonly #stream: ClientHttp2Stream;
  readonly #input: I;
  readonly #output: O;
  /** As far as they have come; a call that is refused at once has all in its first headers. */
  #trailers: Readonly<Record<string, unknown>> = {};
  readonly #cancel = () => this.#stream.close(constants.NGHTTP2_CANCEL);
  readonly #signal: AbortSignal | undefined;

  constructor(stream: ClientHttp2Stream, input: I, output: O, signal: AbortSignal | undefined) {
    this.#stream = stream;
    this.#input = input;
    this.#output = output;
    this.#signal = signal;
    stream.on("error", () => {});
    stream.once("response", (headers) => {
      if (headers["grpc-status"] !== undefined) this.#trailers = headers;
    });
    stream.once("trailers", (headers) => {
      this.#trailers = headers;
    });
    signal?.addEventListener("abort", this.#cancel, { once: true });
    stream.once("close", () => signal?.removeEventListener("abort", this.#cancel));
  }

  /** Resolves when there is room for more; what is sent after the other side ended the call is lost. */
  async send(message: MessageInitShape<I>): Promise<void> {
    if (this.#stream.writableEnded || this.#stream.destroyed) return;
    if (this.#stream.write(frameOf(toBinary(this.#input, create(this.#input, message))))) return;
    await Promise.race([once(this.#stream, "drain"), once(this.#stream, "close")]);
  }

  end(): void {
    this.#stream.end();
  }

  /** @throws what the other side ended the call with, unless that is success */
  async *[Symbol.asyncIterator](): AsyncGenerator<MessageShape<O>> {
    let cause: unknown;
    try {
      for await (const message of messagesOf(this.#stream.iterator({ destroyOnReturn: false })))
        yield fromBinary(this.#output, message);
      if (!this.#hasStatus() && !this.#stream.closed) await once(this.#stream, "close");
    } catch (error) {
      // Go's servers reset a call that they have ended while we could still speak: how it ended is known then.
      cause = error;
    }
    this.#signal?.throwIfAborted();
    if (cause instanceof LighterError) throw cause;
    if (!this.#hasStatus()) {
      const reason = cause === undefined ? "it ended within a call" : messageOf(cause);
      fail("unavailable", "GRPC_CONNECTION", `the connection to the client broke: ${reason}`, { cause });
    }
    const error = errorOfTrailers(this.#trailers);
    if (error) throw error;
  }

  #hasStatus(): boolean {
    return this.#trailers["grpc-status"] !== undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#stream.closed) this.#cancel();
  }
}
