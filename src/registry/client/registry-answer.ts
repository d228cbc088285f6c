import { type ErrorKind, fail } from "../../base/errors.ts";
import { describeErrorEntry, parseErrorDocument } from "../protocol/error-document.ts";
import { withoutSecrets } from "./connection-failure.ts";
import { type ClientResponse, readBody } from "./transport.ts";

/** A refusal's explanation; longer ones are pages of somebody who stands in between. */
const EXPLANATION_LIMIT_BYTES = 64 * 1024;

/** Statuses after which the same request may succeed a moment later. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

export function mayPass(status: number): boolean {
  return PASSING.has(status);
}

/**
 * Throws what a registry's refusal means. `code` is the registry's own (`MANIFEST_UNKNOWN`, `DENIED`, …) where it gave
 * one, otherwise `REGISTRY_<status>`; the text is Docker's.
 */
export async function failWith(response: ClientResponse): Promise<never> {
  const { status, method, url } = response;
  const text = (await readBody(response, EXPLANATION_LIMIT_BYTES).catch(() => Buffer.alloc(0))).toString();
  const [first] = parseErrorDocument(text) ?? [];
  const where = `${method} ${withoutSecrets(url)}`;
  if (first) return fail(kindOf(status), first.code, describeErrorEntry(first));
  if (status === 401) return fail("unauthorized", "UNAUTHORIZED", "unauthorized: authentication required");
  return fail(kindOf(status), `REGISTRY_${status}`, `received unexpected HTTP status: ${status} (${where})`);
}

function kindOf(status: number): ErrorKind {
  if (status === 401) return "unauthorized";
  if (status === 403) return "forbidden";
  if (status === 404) return "not-found";
  return status >= 400 && status < 500 && status !== 429 ? "invalid" : "internal";
}
