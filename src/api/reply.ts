import type { OutgoingHttpHeaders } from "node:http";
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import type { AttachedStreams } from "./splice.ts";

export const PLAIN_TEXT = "text/plain; charset=utf-8";

/** What a handler answers, as data; send-reply.ts writes it. */
export type Reply =
  | { readonly kind: "empty"; readonly status: 200 | 201 | 204 | 304; readonly headers?: OutgoingHttpHeaders }
  | { readonly kind: "json"; readonly status: number; readonly body: unknown; readonly headers?: OutgoingHttpHeaders }
  | { readonly kind: "text"; readonly body: string; readonly headers?: OutgoingHttpHeaders }
  /** The head goes out at once, the document when it is there: clients of `wait` start the container on the head. */
  | { readonly kind: "later"; readonly body: Promise<unknown> }
  | {
      readonly kind: "bytes";
      readonly contentType: string;
      readonly body: Readable;
      readonly headers?: OutgoingHttpHeaders;
    }
  | { readonly kind: "documents"; readonly documents: AsyncIterable<unknown>; readonly style: DocumentStyle }
  /** As the documents of a feed, but JSON already. */
  | { readonly kind: "lines"; readonly lines: AsyncIterable<string> }
  /** The connection becomes another protocol's, and `take` has it from then on until it ends. */
  | { readonly kind: "upgrade"; readonly protocol: string; readonly take: (connection: Socket) => Promise<void> | void }
  | {
      readonly kind: "hijack";
      readonly streams: AttachedStreams;
      readonly protocol: "raw" | "websocket";
      readonly headers?: Readonly<Record<string, string>>;
    };

/**
 * How a stream of JSON documents behaves. `progress`: the head waits for the first document, so that a failure before it is
 * an ordinary error, a later one a last document with `error` and `errorDetail`; lines end in CR LF (Docker's
 * streamformatter). `feed`: the head goes out at once, unless the producer refuses at once, and a failure cuts it off.
 */
export type DocumentStyle = "progress" | "feed";

export function empty(status: 200 | 201 | 204 | 304 = 204, headers?: OutgoingHttpHeaders): Reply {
  return { kind: "empty", status, headers };
}

export function json(body: unknown, status = 200, headers?: OutgoingHttpHeaders): Reply {
  return { kind: "json", status, body, headers };
}

export function later(body: Promise<unknown>): Reply {
  return { kind: "later", body };
}

export function bytes(contentType: string, body: Readable, headers?: OutgoingHttpHeaders): Reply {
  return { kind: "bytes", contentType, body, headers };
}

export function progress(documents: AsyncIterable<unknown>): Reply {
  return { kind: "documents", documents, style: "progress" };
}

export function feed(documents: AsyncIterable<unknown>): Reply {
  return { kind: "documents", documents, style: "feed" };
}

export function upgrade(protocol: string, take: (connection: Socket) => Promise<void> | void): Reply {
  return { kind: "upgrade", protocol, take };
}

export function lines(texts: AsyncIterable<string>): Reply {
  return { kind: "lines", lines: texts };
}

export function hijack(streams: AttachedStreams, protocol: "raw" | "websocket" = "raw"): Reply {
  return { kind: "hijack", streams, protocol };
}

/** A process that was started for this connection, which tells at its end how the process ended. */
export function processStream(streams: AttachedStreams, headers: Readonly<Record<string, string>>): Reply {
  return { kind: "hijack", streams, protocol: "raw", headers };
}
