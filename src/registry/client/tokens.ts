import { z } from "zod";
import { fail } from "../../base/errors.ts";
import type { AuthChallenge } from "../protocol/auth-challenge.ts";
import type { Credentials } from "./credentials.ts";
import { failWith } from "./registry-answer.ts";
import { type ClientResponse, readBody, type Transport } from "./transport.ts";

const TOKEN_LIMIT_BYTES = 1024 * 1024;
/** Where the server does not say (distribution's token specification). */
const DEFAULT_LIFETIME_S = 60;
/** Used no more when it has less than this to live: the request takes time as well. */
const MARGIN_MS = 5_000;
/** OAuth wants one; it means nothing to anybody. */
const CLIENT_ID = "lighter";

const TokenSchema = z.looseObject({
  token: z.string().nullish(),
  access_token: z.string().nullish(),
  refresh_token: z.string().nullish(),
  expires_in: z.number().positive().nullish(),
});

export interface BearerToken {
  readonly token: string;
  readonly expiresMs: number;
  /** In place of a password from now on, if the server offered one. */
  readonly refreshToken: string | null;
}

export function isFresh({ expiresMs }: BearerToken): boolean {
  return Date.now() < expiresMs - MARGIN_MS;
}

/**
 * Gets a token from the server that a challenge names: with a refresh token as OAuth 2 has it (POST), otherwise with the
 * password or nothing (GET).
 * @param registry the challenger: one that is reached over TLS may not send us to a token server without.
 * @throws unauthorized, in the server's words; invalid `TOKEN_SERVER`.
 */
export async function fetchToken(
  transport: Transport,
  registry: URL,
  { parameters }: AuthChallenge,
  scopes: readonly string[],
  credentials: Credentials,
  options: { offline: boolean; signal: AbortSignal },
): Promise<BearerToken> {
  const { realm = "", service } = parameters;
  const url = URL.canParse(realm) ? new URL(realm) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || (registry.protocol === "https:" && url.protocol === "http:")) {
    return fail(
      "invalid",
      "TOKEN_SERVER",
      `${registry.host}: invalid token server ${JSON.stringify(realm.slice(0, 200))}: it must be an https address`,
    );
  }
  const response =
    credentials.kind === "identity"
      ? await postRefreshToken(transport, url, service, scopes, credentials.token, options.signal)
      : await getToken(transport, url, service, scopes, credentials, options);
  if (response.status !== 200) return failWith(response);
  const parsed = TokenSchema.safeParse(parseJson((await readBody(response, TOKEN_LIMIT_BYTES)).toString()));
  const token = parsed.data?.token || parsed.data?.access_token;
  if (!parsed.success || !token || !/^[\x21-\x7e]+$/.test(token)) {
    return fail(
      "unauthorized",
      "TOKEN_SERVER",
      `authorization server ${url.host} did not include a token in the response`,
    );
  }
  return {
    token,
    expiresMs: Date.now() + (parsed.data.expires_in ?? DEFAULT_LIFETIME_S) * 1000,
    refreshToken: parsed.data.refresh_token ?? null,
  };
}

export function basicAuthorization({ username, password }: Extract<Credentials, { kind: "basic" }>): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

function getToken(
  transport: Transport,
  realm: URL,
  service: string | undefined,
  scopes: readonly string[],
  credentials: Credentials,
  { offline, signal }: { offline: boolean; signal: AbortSignal },
): Promise<ClientResponse> {
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set("service", service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  if (offline) {
    url.searchParams.set("offline_token", "true");
    url.searchParams.set("client_id", CLIENT_ID);
  }
  if (credentials.kind !== "basic") return transport.send({ method: "GET", url, signal });
  url.searchParams.set("account", credentials.username);
  return transport.send({ method: "GET", url, headers: { Authorization: basicAuthorization(credentials) }, signal });
}

function postRefreshToken(
  transport: Transport,
  url: URL,
  service: string | undefined,
  scopes: readonly string[],
  refreshToken: string,
  signal: AbortSignal,
): Promise<ClientResponse> {
  const form = new URLSearchParams({ grant_type: "refresh_token", client_id: CLIENT_ID, refresh_token: refreshToken });
  if (service !== undefined) form.set("service", service);
  if (scopes.length > 0) form.set("scope", scopes.join(" "));
  return transport.send({
    method: "POST",
    url,
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
    body: new TextEncoder().encode(form.toString()),
    signal,
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The caller's schema refuses this.
    return null;
  }
}
