import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** What a handler answers, as data. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | Readable | (() => AsyncIterable<Uint8Array>);
}

/** One request, as handlers see it. */
export interface RegistryRequest {
  readonly method: string;
  readonly query: URLSearchParams;
  readonly incoming: IncomingMessage;
  /** Aborted when the client goes away before it has all. */
  readonly signal: AbortSignal;
}

export function jsonAnswer(status: number, document: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return {
    status,
    headers: { "Content-Type": "application/json; charset=utf-8", ...headers },
    body: JSON.stringify(document),
  };
}

/** Writes an answer; of one to HEAD, only its head. */
export async function sendAnswer(method: string, response: ServerResponse, answer: Answer): Promise<void> {
  const { status, headers = {}, body = "" } = answer;
  const bytes = typeof body === "string" ? Buffer.from(body) : body instanceof Uint8Array ? body : null;
  response.writeHead(status, {
    ...(bytes && status !== 204 && { "Content-Length": String(bytes.length) }),
    ...headers,
  });
  if (method === "HEAD" || bytes) {
    response.end(method === "HEAD" ? undefined : bytes);
    return;
  }
  await pipeline(typeof body === "function" ? body : (body as Readable), response);
}
