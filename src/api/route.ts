import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { z } from "zod";
import type { ApiVersion } from "./api-version.ts";
import { parseInput } from "./parse-input.ts";
import type { RawQuery } from "./query.ts";
import type { Reply } from "./reply.ts";
import { type BodyKind, type BodyReader, noBody } from "./request-body.ts";
import type { Services } from "./services.ts";

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "DELETE";

/** The parameters in a path: `/exec/{id}/start` has `id`. */
export type PathParams<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? { readonly [Key in Name]: string } & PathParams<Rest>
  : unknown;

/** One request, parsed, as its handler sees it. */
export interface Exchange<Params, Query, Body> {
  readonly services: Services;
  readonly version: ApiVersion;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly headers: IncomingHttpHeaders;
  /** Aborted when the client goes away before it has its whole answer. */
  readonly abort: AbortSignal;
}

/** One line of the API's table: what a client asks, how it is checked, who answers. */
export interface RouteDefinition<Path extends string, Query, Body> {
  readonly method: Method;
  /** Without the version; `{name}` takes everything up to what follows it, slashes too, for images' names have them. */
  readonly path: Path;
  /** What it does, in a line, for docs/api.md. */
  readonly summary?: string;
  /** What of Docker's it does not do, and why; nothing where it does all. */
  readonly limits?: string;
  readonly query?: z.ZodType<Query>;
  readonly body?: BodyReader<Body>;
  /** The connection may become a raw one: `Upgrade` is honoured here and nowhere else. */
  readonly hijacks?: boolean;
  readonly handle: (exchange: Exchange<PathParams<Path>, Query, Body>) => Promise<Reply> | Reply;
}

/** A request that found its route, before its query and body were looked at. */
export interface RoutedRequest {
  readonly services: Services;
  readonly version: ApiVersion;
  readonly params: Readonly<Record<string, string>>;
  readonly rawQuery: RawQuery;
  readonly request: IncomingMessage;
  readonly abort: AbortSignal;
}

/** A definition with its types closed over, so that all routes fit one table. */
export interface Route {
  readonly method: Method;
  readonly path: string;
  readonly hijacks: boolean;
  readonly summary: string;
  readonly limits: string;
  /** Names of the parameters that are read. */
  readonly parameters: readonly string[];
  readonly takes: BodyKind;
  readonly answer: (routed: RoutedRequest) => Promise<Reply>;
}

export function route<const Path extends string, Query = Record<never, never>, Body = undefined>(
  definition: RouteDefinition<Path, Query, Body>,
): Route {
  // Without a schema or a reader their types are the defaults above, and these are their values.
  const query = definition.query ?? (z.object({}) as z.ZodType<Query>);
  const body = definition.body ?? (noBody as BodyReader<Body>);
  return {
    method: definition.method,
    path: definition.path,
    hijacks: definition.hijacks ?? false,
    summary: definition.summary ?? "",
    limits: definition.limits ?? "",
    parameters: namesIn(query),
    takes: body.kind,
    answer: async ({ services, version, params, rawQuery, request, abort }) =>
      definition.handle({
        services,
        version,
        // The table matched the path against this very pattern, so that its names are all there.
        params: params as PathParams<Path>,
        query: parseInput(query, rawQuery, "invalid parameter"),
        body: await body.read(request),
        headers: request.headers,
        abort,
      }),
  };
}

/** Of the object that a schema takes, transformed afterwards or not. */
function namesIn(schema: z.ZodType): readonly string[] {
  if (schema instanceof z.ZodPipe && schema.in instanceof z.ZodType) return namesIn(schema.in);
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}
