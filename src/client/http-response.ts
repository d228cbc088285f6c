import { fail } from "../base/errors.ts";

/** Told what a response brings, in order: `head` once, `body` any number of times, `end` once. */
export interface ResponseSink {
  head(status: number, headers: ReadonlyMap<string, string>): void;
  body(chunk: Uint8Array): void;
  /** `reusable`: another request may follow on the same connection. */
  end(reusable: boolean): void;
}

type State =
  | { readonly at: "head" | "chunk-size" | "chunk-end" | "trailer" | "until-close" | "raw" | "done" }
  | { readonly at: "length" | "chunk"; readonly left: number };

const MAX_HEAD_BYTES = 64 * 1024;
const MAX_LINE_BYTES = 8 * 1024;
const EMPTY = new Uint8Array(0);
const CR = 13;
const LF = 10;

/** Reads one HTTP/1.1 response (RFC 9112) as its bytes arrive. After status 101 everything is body, until the end. */
export class ResponseReader {
  #state: State = { at: "head" };
  #rest: Uint8Array = EMPTY;
  #reusable = true;

  /** @param hasBody false for the answer to HEAD, which has the headers of a body that does not come */
  constructor(
    private readonly sink: ResponseSink,
    private readonly hasBody = true,
  ) {}

  /** @throws unavailable `BAD_RESPONSE` for bytes that are not HTTP/1.1. */
  feed(bytes: Uint8Array): void {
    let input = this.#rest.length === 0 ? bytes : concatenate(this.#rest, bytes);
    this.#rest = EMPTY;
    while (input.length > 0) {
      const used = this.#step(input);
      if (used === 0) {
        this.#rest = input;
        return;
      }
      input = input.subarray(used);
    }
  }

  /** The connection has ended. Returns whether that is a proper end of the response. */
  close(): boolean {
    const proper = this.#state.at === "until-close" || this.#state.at === "raw" || this.#state.at === "done";
    if (proper && this.#state.at !== "done") this.#finish(false);
    return proper;
  }

  /** Consumes some of the input; 0 means that more is needed. */
  #step(input: Uint8Array): number {
    const state = this.#state;
    switch (state.at) {
      case "head":
        return this.#readHead(input);
      case "length":
        return this.#readBody(input, state.left, (left) => {
          if (left > 0) this.#state = { at: "length", left };
          else this.#finish(this.#reusable);
        });
      case "chunk-size":
        return this.#readLine(input, (line) => {
          const size = /^[0-9a-f]{1,12}(?=$|[;\s])/i.exec(line);
          if (!size) badResponse(`chunk size "${line.slice(0, 40)}"`);
          const left = Number.parseInt(size[0], 16);
          this.#state = left === 0 ? { at: "trailer" } : { at: "chunk", left };
        });
      case "chunk":
        return this.#readBody(input, state.left, (left) => {
          this.#state = left > 0 ? { at: "chunk", left } : { at: "chunk-end" };
        });
      case "chunk-end":
        return this.#readLine(input, (line) => {
          if (line !== "") badResponse("chunk longer than its size");
          this.#state = { at: "chunk-size" };
        });
      case "trailer":
        return this.#readLine(input, (line) => {
          if (line === "") this.#finish(this.#reusable);
        });
      case "until-close":
      case "raw":
        this.sink.body(input);
        return input.length;
      case "done":
        return badResponse("bytes after the response's end");
      default:
        return state satisfies never;
    }
  }

  #readHead(input: Uint8Array): number {
    const end = endOfHead(input);
    if (end < 0) return input.length > MAX_HEAD_BYTES ? badResponse("head too long") : 0;
    const [statusLine = "", ...lines] = new TextDecoder("latin1").decode(input.subarray(0, end)).split("\r\n");
    const status = Number(/^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(statusLine)?.[1]);
    if (Number.isNaN(status)) badResponse(`status line "${statusLine.slice(0, 40)}"`);
    const headers = new Map(lines.filter((line) => line !== "").map(parseHeader));
    // Interim answers such as 100 Continue precede the real one; 101 is final here.
    if (status < 200 && status !== 101) return end;
    this.#reusable = headers.get("connection")?.toLowerCase() !== "close";
    this.#state = this.hasBody ? bodyState(status, headers) : { at: "length", left: 0 };
    this.sink.head(status, headers);
    if (this.#state.at === "length" && this.#state.left === 0) this.#finish(this.#reusable);
    return end;
  }

  #readBody(input: Uint8Array, left: number, advance: (left: number) => void): number {
    const part = input.subarray(0, left);
    this.sink.body(part);
    advance(left - part.length);
    return part.length;
  }

  #readLine(input: Uint8Array, use: (line: string) => void): number {
    const end = input.indexOf(LF);
    if (end < 0) return input.length > MAX_LINE_BYTES ? badResponse("line too long") : 0;
    use(new TextDecoder("latin1").decode(input.subarray(0, input[end - 1] === CR ? end - 1 : end)));
    return end + 1;
  }

  #finish(reusable: boolean): void {
    this.#state = { at: "done" };
    this.sink.end(reusable);
  }
}

function bodyState(status: number, headers: ReadonlyMap<string, string>): State {
  if (status === 101) return { at: "raw" };
  if (status === 204 || status === 304) return { at: "length", left: 0 };
  if (headers.get("transfer-encoding")?.toLowerCase() === "chunked") return { at: "chunk-size" };
  const length = headers.get("content-length");
  if (length === undefined) return { at: "until-close" };
  return /^\d{1,15}$/.test(length) ? { at: "length", left: Number(length) } : badResponse(`content-length "${length}"`);
}

function parseHeader(line: string): [string, string] {
  const colon = line.indexOf(":");
  if (colon < 1) badResponse(`header "${line.slice(0, 40)}"`);
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}

/** Just behind the empty line, or -1. */
function endOfHead(input: Uint8Array): number {
  for (let at = input.indexOf(LF); at >= 0; at = input.indexOf(LF, at + 1)) {
    if (input[at + 1] === CR && input[at + 2] === LF) return at + 3;
  }
  return -1;
}

function concatenate(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

function badResponse(what: string): never {
  return fail(
    "unavailable",
    "BAD_RESPONSE",
    `the engine's answer is not HTTP/1.1 (${what}); is it an engine that listens there?`,
  );
}
