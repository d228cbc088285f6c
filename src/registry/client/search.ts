import { z } from "zod";
import { fail } from "../../base/errors.ts";
import { ConnectionFailure } from "./connection-failure.ts";
import { isInsecure } from "./endpoints.ts";
import type { RegistryAccess } from "./open-repository.ts";
import { failWith } from "./registry-answer.ts";
import type { RegistrySettings } from "./registry-settings.ts";
import { basicAuthorization } from "./tokens.ts";
import { type ClientResponse, readBody, Transport } from "./transport.ts";

const HUB = "https://index.docker.io";
const ANSWER_LIMIT_BYTES = 4 * 1024 * 1024;
const MOST_RESULTS = 100;
const DEFAULT_RESULTS = 25;

const ResultsSchema = z.object({
  results: z.array(
    z.looseObject({
      name: z.string(),
      description: z.string().nullish(),
      star_count: z.number().nullish(),
      is_official: z.boolean().nullish(),
      is_automated: z.boolean().nullish(),
    }),
  ),
});

/**
 * Searches Docker Hub, or the registry that the term begins with, through Docker's search protocol of version 1.
 * @param limit 0 for the usual number. @throws invalid `SEARCH_LIMIT`; internal `REGISTRY_UNREACHABLE`.
 */
export async function searchRegistry(term: string, limit: number, access: RegistryAccess) {
  if (limit < 0 || limit > MOST_RESULTS) {
    fail("invalid", "SEARCH_LIMIT", `Limit ${limit} is outside the range of [1, ${MOST_RESULTS}]`);
  }
  using transport = new Transport(access.settings, access.idleMs);
  const slash = term.indexOf("/");
  const first = slash < 0 ? "" : term.slice(0, slash);
  const isHost = first === "localhost" || /[.:]/.test(first);
  const query = new URLSearchParams({
    q: isHost ? term.slice(slash + 1) : term.replace(/^library\//, ""),
    n: String(limit || DEFAULT_RESULTS),
  });
  const response = await ask(transport, isHost ? originsOf(first, access.settings) : [HUB], query, access);
  if (response.status === 404) {
    response.body.destroy();
    return fail("internal", "NO_SEARCH", "Unexpected status code 404");
  }
  if (response.status !== 200) return failWith(response);
  const parsed = ResultsSchema.safeParse(JSON.parse((await readBody(response, ANSWER_LIMIT_BYTES)).toString()));
  if (!parsed.success) return fail("internal", "NO_SEARCH", `${response.url.host}: the search's answer does not read`);
  return parsed.data.results.map((result) => ({
    name: result.name,
    description: result.description ?? "",
    star_count: result.star_count ?? 0,
    is_official: result.is_official ?? false,
    is_automated: result.is_automated ?? false,
  }));
}

/** With TLS, and where the registry may do without, then in plain HTTP. */
function originsOf(host: string, settings: RegistrySettings): readonly string[] {
  return isInsecure(host, settings) ? [`https://${host}`, `http://${host}`] : [`https://${host}`];
}

/** The first answer that comes. @throws ConnectionFailure of the last origin */
async function ask(
  transport: Transport,
  [origin = HUB, ...others]: readonly string[],
  query: URLSearchParams,
  access: RegistryAccess,
): Promise<ClientResponse> {
  const { credentials, signal } = access;
  try {
    return await transport.send({
      method: "GET",
      url: new URL(`/v1/search?${query}`, origin),
      signal,
      ...(credentials.kind === "basic" && { headers: { Authorization: basicAuthorization(credentials) } }),
    });
  } catch (error) {
    if (!(error instanceof ConnectionFailure) || others.length === 0) throw error;
    return ask(transport, others, query, access);
  }
}
