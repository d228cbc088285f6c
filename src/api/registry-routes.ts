import { z } from "zod";
import { fail } from "../base/errors.ts";
import { assertKnownFilters, booleanFilter } from "../base/filters.ts";
import { parsePlatform } from "../image/platform.ts";
import { canonicalRepository, parseName, parseReference, type Reference } from "../image/reference.ts";
import { AuthConfigSchema, credentialsOf, parseRegistryAuth } from "../registry/client/credentials.ts";
import { inspectDistribution } from "../registry/client/inspect-distribution.ts";
import { checkLogin } from "../registry/client/login.ts";
import { pullImage } from "../registry/client/pull.ts";
import { pushImage } from "../registry/client/push.ts";
import { readRegistrySettings } from "../registry/client/registry-settings.ts";
import { searchRegistry } from "../registry/client/search.ts";
import { queryFilters, queryInteger, queryText } from "./query.ts";
import { json, progress, type Reply } from "./reply.ts";
import { jsonBody } from "./request-body.ts";
import { type Exchange, type Route, route } from "./route.ts";

/** What needs a registry; pulling is one half of `POST /images/create`, see {@link pull}. */
export const REGISTRY_ROUTES: readonly Route[] = [
  route({
    method: "POST",
    path: "/auth",
    summary: "Tries a name and a password at a registry",
    body: jsonBody(AuthConfigSchema),
    handle: async ({ services: { engine }, body, abort }) => {
      const settings = readRegistrySettings(engine.parts.paths.root);
      return json(await checkLogin(body.serveraddress ?? "", credentialsOf(body), { settings, signal: abort }));
    },
  }),
  route({
    method: "GET",
    path: "/images/search",
    summary: "Searches Docker Hub or another registry",
    query: z.object({ term: queryText, limit: queryInteger, filters: queryFilters }),
    handle: async (exchange) => {
      const { term, limit, filters } = exchange.query;
      if (term === "") fail("invalid", "NO_TERM", "term must say what to search for");
      assertKnownFilters(filters, ["is-automated", "is-official", "stars"]);
      const official = booleanFilter(filters, "is-official");
      const stars = filters.get("stars")?.[0] ?? "0";
      if (!/^\d{1,9}$/.test(stars)) fail("invalid", "INVALID_FILTER", `invalid filter 'stars=${stars}'`);
      const found = await searchRegistry(term, limit ?? 0, accessOf(exchange));
      return json(
        found.filter(
          ({ is_official, star_count }) =>
            star_count >= Number(stars) && (official === undefined || is_official === official),
        ),
      );
    },
  }),
  route({
    method: "POST",
    path: "/images/{name}/push",
    summary: "Sends an image to a registry",
    limits: "`platform` is not known: an image here has one",
    query: z.object({ tag: queryText }),
    handle: ({ services: { engine }, params: { name }, query: { tag }, headers, abort }) => {
      const auth = parseRegistryAuth(registryAuth(headers));
      return progress(pushImage(engine.parts, { reference: withTag(name, tag), auth, abort }));
    },
  }),
  route({
    method: "GET",
    path: "/distribution/{name}/json",
    summary: "What a registry has under a name",
    handle: async (exchange) =>
      json(await inspectDistribution(parseReference(exchange.params.name), accessOf(exchange))),
  }),
];

/** @param tag a tag or a digest; empty for the one in the name, or else for all of the repository's. */
export function pull(
  { services: { engine }, headers, abort }: AnyExchange,
  from: { readonly image: string; readonly tag: string; readonly platform: string },
): Reply {
  return progress(
    pullImage(engine.parts, {
      reference: withTag(from.image, from.tag),
      platform: from.platform === "" ? null : parsePlatform(from.platform),
      auth: parseRegistryAuth(registryAuth(headers)),
      abort,
    }),
  );
}

type AnyExchange = Pick<Exchange<unknown, unknown, unknown>, "services" | "headers" | "abort">;

function accessOf({ services: { engine }, headers, abort }: AnyExchange) {
  return {
    settings: readRegistrySettings(engine.parts.paths.root),
    credentials: parseRegistryAuth(registryAuth(headers)),
    signal: abort,
  };
}

/** A tag of its own parameter wins over the one in the name, as in Docker. */
function withTag(name: string, tag: string): Reference {
  const reference = parseName(name);
  if (tag === "") return reference;
  return parseName(`${canonicalRepository(reference)}${tag.includes(":") ? "@" : ":"}${tag}`);
}

function registryAuth(headers: AnyExchange["headers"]): string | undefined {
  const header = headers["x-registry-auth"];
  return typeof header === "string" ? header : undefined;
}
