import { type ErrorKind, LighterError } from "../base/errors.ts";
import type { Method, RawStream, Request, Response, Transport } from "./transport.ts";

/** Values of a query; undefined ones are left out, a list is the same name several times. */
export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export interface CallOptions {
  readonly query?: Query;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is; excludes `json`. */
  readonly stream?: AsyncIterable<Uint8Array>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The `code` of every error whose text is the engine's own. */
export const ENGINE_REFUSED = "ENGINE_REFUSED";

/** The Engine API, call by call. Paths are without a version: the engine answers in its newest. */
export interface Api {
  /**
   * The document that the engine answers with; it is trusted to have the shape that its API promises.
   * @throws LighterError with code {@link ENGINE_REFUSED} and the engine's text
   */
  json<T>(method: Method, path: string, options?: CallOptions): Promise<T>;
  /** For answers that are not JSON, or a stream. The caller reads the body. @throws as {@link Api.json} */
  call(method: Method, path: string, options?: CallOptions): Promise<Response>;
  /** Calls and reads the answer away. @throws as {@link Api.json} */
  send(method: Method, path: string, options?: CallOptions): Promise<Response>;
  /** Leaves HTTP behind, for attach and exec. @throws as {@link Api.json} */
  upgrade(method: Method, path: string, options?: CallOptions): Promise<Upgraded>;
  /** Lines of text as they come, for documents whose numbers a parser would not keep. */
  lines(method: Method, path: string, options?: CallOptions): AsyncIterable<string>;
  /** JSON documents, one after another, as they come. */
  documents<T>(method: Method, path: string, options?: CallOptions): AsyncIterable<T>;
  close(): void;
}

export interface Upgraded {
  readonly stream: RawStream;
  readonly headers: Response["headers"];
}

/** What an engine says of an endpoint that it does not know, Docker's own and ours of another version. */
const PAGE_NOT_FOUND = "page not found";
const RESTART = "it is of another version than this client; end its process, and the next command starts this one's";

export function openApi(transport: Transport): Api {
  async function call(method: Method, path: string, options: CallOptions = {}): Promise<Response> {
    return refuseErrors(path, await transport.send(requestOf(method, path, options)));
  }
  async function* linesOf(method: Method, path: string, options?: CallOptions): AsyncGenerator<string, void> {
    yield* splitLines((await call(method, path, options)).body);
  }
  return {
    call,
    async json<T>(method: Method, path: string, options?: CallOptions): Promise<T> {
      const text = await readText((await call(method, path, options)).body);
      return JSON.parse(text) as T;
    },
    async send(method, path, options) {
      const response = await call(method, path, options);
      for await (const _ of response.body);
      return response;
    },
    async upgrade(method, path, options = {}) {
      const answer = await refuseErrors(path, await transport.upgrade(requestOf(method, path, options)));
      if (answer.stream === null) {
        throw new LighterError("unavailable", "NOT_UPGRADED", `the engine did not upgrade the connection for ${path}`);
      }
      return { stream: answer.stream, headers: answer.headers };
    },
    lines: linesOf,
    async *documents<T>(method: Method, path: string, options?: CallOptions) {
      for await (const line of linesOf(method, path, options)) yield JSON.parse(line) as T;
    },
    close: () => transport.close(),
  };
}

/** `?a=1&b=x`, or nothing. */
function encodeQuery(query: Query = {}): string {
  const pairs = Object.entries(query).flatMap(([name, value]) => {
    const values = value === undefined ? [] : typeof value === "object" ? value : [value];
    return values.map((one) => `${encodeURIComponent(name)}=${encodeURIComponent(one)}`);
  });
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

/** The whole body as text. */
export async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}

/** Lines that are not empty; the last one needs no newline. */
async function* splitLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) if (part.trim() !== "") yield part;
  }
  if (rest.trim() !== "") yield rest;
}

function requestOf(method: Method, path: string, options: CallOptions): Request {
  const body = options.stream ?? (options.json === undefined ? undefined : JSON.stringify(options.json));
  return { method, path: path + encodeQuery(options.query), headers: options.headers, body };
}

async function refuseErrors<R extends Response>(path: string, response: R): Promise<R> {
  if (response.status < 400) return response;
  const message = messageIn(await readText(response.body)) ?? `status ${response.status}`;
  if (path.startsWith("/lighter/") && message === PAGE_NOT_FOUND) {
    throw new LighterError("unavailable", "OTHER_ENGINE", `the engine has no ${path}: ${RESTART}`);
  }
  throw new LighterError(kindOfStatus(response.status), ENGINE_REFUSED, message);
}

function messageIn(text: string): string | undefined {
  try {
    const document: unknown = JSON.parse(text);
    if (typeof document === "object" && document !== null && "message" in document) return String(document.message);
  } catch {
    // An answer that is not JSON comes from something between us and the engine; its text is all there is to show.
  }
  return text.trim() === "" ? undefined : text.trim();
}

function kindOfStatus(status: number): ErrorKind {
  const kinds: Readonly<Record<number, ErrorKind>> = {
    400: "invalid",
    401: "unauthorized",
    403: "forbidden",
    404: "not-found",
    409: "conflict",
    501: "not-implemented",
    503: "unavailable",
  };
  return kinds[status] ?? "internal";
}
