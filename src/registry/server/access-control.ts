import type { IncomingMessage } from "node:http";
import { formatAuthChallenge } from "../protocol/auth-challenge.ts";
import { type AuthScope, formatAuthScope } from "../protocol/auth-scope.ts";
import type { Htpasswd } from "./htpasswd.ts";
import { type Claims, verifyToken } from "./json-web-token.ts";
import { refuse } from "./refusal.ts";
import type { TokenAuthority } from "./token-authority.ts";

export type Action = "pull" | "push" | "delete";

/** Who may come in. */
export type AccessPolicy =
  | { readonly kind: "open" }
  | { readonly kind: "password"; readonly users: Htpasswd; readonly anonymousPull: boolean }
  | { readonly kind: "token"; readonly authority: TokenAuthority };

/** What a request may do, once it was let in. */
export interface Grant {
  /** null: nobody in particular. */
  readonly user: string | null;
  readonly allows: (repository: string, action: Action) => boolean;
}

const REALM = "Lighter registry";

/**
 * Lets a request in, or says how it can be let in.
 * @param need null where only a visitor's being known counts (`/v2/`, the catalog).
 * @throws UNAUTHORIZED with a challenge; DENIED for who is known and may not.
 */
export async function admit(
  policy: AccessPolicy,
  incoming: IncomingMessage,
  need: { readonly repository: string; readonly action: Action } | null,
): Promise<Grant> {
  switch (policy.kind) {
    case "open":
      return { user: null, allows: () => true };
    case "password":
      return admitPassword(policy, incoming, need);
    case "token":
      return admitToken(policy.authority, incoming, need);
  }
}

/** The name and password of `Authorization: Basic` (RFC 7617); null if there are none. */
export function basicCredentials({ headers }: IncomingMessage): { username: string; password: string } | null {
  const match = /^Basic ([A-Za-z0-9+/=_-]+)$/i.exec(headers.authorization ?? "");
  if (!match?.[1]) return null;
  const [username = "", ...rest] = Buffer.from(match[1], "base64").toString().split(":");
  return { username, password: rest.join(":") };
}

async function admitPassword(
  { users, anonymousPull }: Extract<AccessPolicy, { kind: "password" }>,
  incoming: IncomingMessage,
  need: { readonly action: Action } | null,
): Promise<Grant> {
  const credentials = basicCredentials(incoming);
  if (credentials && (await users.verify(credentials.username, credentials.password))) {
    return { user: credentials.username, allows: () => true };
  }
  if (credentials === null && anonymousPull && need?.action === "pull") {
    return { user: null, allows: (_repository, action) => action === "pull" };
  }
  const challenge = formatAuthChallenge({ scheme: "basic", parameters: { realm: REALM } });
  return refuse("UNAUTHORIZED", "authentication required", { "WWW-Authenticate": challenge });
}

function admitToken(
  authority: TokenAuthority,
  incoming: IncomingMessage,
  need: { readonly repository: string; readonly action: Action } | null,
): Grant {
  const match = /^Bearer ([\x21-\x7e]+)$/i.exec(incoming.headers.authorization ?? "");
  const claims = match?.[1] ? verifyToken(match[1], authority, Date.now()) : null;
  const allows = (repository: string, action: Action) => claims !== null && grants(claims, repository, action);
  if (claims && claims.purpose !== "refresh" && (need === null || allows(need.repository, need.action))) {
    return { user: claims.sub || null, allows };
  }
  const scope: AuthScope | null = need && {
    type: "repository",
    name: need.repository,
    actions: need.action === "push" ? ["pull", "push"] : [need.action],
  };
  const challenge = formatAuthChallenge({
    scheme: "bearer",
    parameters: {
      realm: authority.realmFor(incoming),
      service: authority.audience,
      ...(scope && { scope: formatAuthScope(scope) }),
      ...(match && { error: claims ? "insufficient_scope" : "invalid_token" }),
    },
  });
  return refuse("UNAUTHORIZED", "authentication required", { "WWW-Authenticate": challenge }, scope && [scope]);
}

function grants({ access }: Claims, repository: string, action: Action): boolean {
  return (access ?? []).some(
    ({ type, name, actions }) =>
      type === "repository" && name === repository && (actions.includes(action) || actions.includes("*")),
  );
}
