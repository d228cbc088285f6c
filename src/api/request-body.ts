import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import type { z } from "zod";
import { fail, messageOf } from "../base/errors.ts";
import { parseInput } from "./parse-input.ts";

export type BodyKind = "none" | "JSON" | "JSON or none" | "stream";

/** Turns a request's body into what a handler takes. */
export interface BodyReader<Body> {
  readonly kind: BodyKind;
  readonly read: (request: IncomingMessage) => Promise<Body>;
}

/** No JSON document that a client has reason to send comes near; an embedded build argument or config may be large. */
const MAX_JSON_BYTES = 8 * 1024 * 1024;

/** For routes without a body: whatever comes is left unread, and node throws it away. */
export const noBody: BodyReader<undefined> = { kind: "none", read: async () => undefined };

/** The body as it arrives, for archives. */
export const streamBody: BodyReader<Readable> = { kind: "stream", read: async (request) => request };

/** @throws invalid where the body is missing, too large, of another content type, no JSON, or has a field of the wrong type. */
export function jsonBody<T>(schema: z.ZodType<T>): BodyReader<T> {
  return {
    kind: "JSON",
    read: async (request) => {
      assertJsonContentType(request);
      const text = await readText(request);
      if (text.trim() === "") fail("invalid", "INVALID_JSON", "invalid JSON: got EOF while reading request body");
      return parseInput(schema, parseJson(text), "invalid JSON");
    },
  };
}

/** As {@link jsonBody}, but no body, or `null`, is the schema's reading of `{}`; a body may come without a content type. */
export function optionalJsonBody<T>(schema: z.ZodType<T>): BodyReader<T> {
  return {
    kind: "JSON or none",
    read: async (request) => {
      const text = await readText(request);
      if (text.trim() === "") return parseInput(schema, {}, "invalid JSON");
      assertJsonContentType(request);
      return parseInput(schema, parseJson(text) ?? {}, "invalid JSON");
    },
  };
}

function assertJsonContentType(request: IncomingMessage): void {
  const type = request.headers["content-type"] ?? "";
  if (/^\s*application\/json\s*(?:;|$)/i.test(type)) return;
  if (type === "" && !hasBody(request)) return;
  fail("invalid", "CONTENT_TYPE", `unsupported Content-Type header (${type}): must be 'application/json'`);
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    // What is too much is read away, not kept: a client that is still sending would not see our answer.
    for await (const chunk of request) {
      size += chunk.length;
      if (size > MAX_JSON_BYTES) chunks.length = 0;
      else chunks.push(chunk);
    }
  } catch (cause) {
    fail("invalid", "BODY_INCOMPLETE", `the request's body ended too early: ${messageOf(cause)}`, { cause });
  }
  if (size > MAX_JSON_BYTES) {
    fail("invalid", "BODY_TOO_LARGE", `the request's body is larger than ${MAX_JSON_BYTES} bytes: send a smaller one`);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    // Docker's word for a document that stops in the middle; for the rest the parser's own words are as good.
    const reason = /EOF|Unterminated/.test(messageOf(cause))
      ? "unexpected EOF"
      : messageOf(cause).replace(/^JSON Parse error: /, "");
    return fail("invalid", "INVALID_JSON", `invalid JSON: ${reason}`, { cause });
  }
}
