import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { errnoOf, fail } from "../../base/errors.ts";
import { type AuthScope, parseAuthScope } from "../protocol/auth-scope.ts";
import { basicCredentials } from "./access-control.ts";
import { type Answer, jsonAnswer, type RegistryRequest } from "./answer.ts";
import type { Htpasswd } from "./htpasswd.ts";
import { signToken, verifyToken } from "./json-web-token.ts";
import { refuse } from "./refusal.ts";

const ACCESS_S = 300;
const REFRESH_S = 30 * 24 * 3600;
const FORM_LIMIT_BYTES = 64 * 1024;
const ACTIONS = ["pull", "push", "delete", "*"];

/** Whose tokens are taken, and where clients get them. */
export interface TokenAuthority {
  /** To verify with. */
  readonly key: KeyObject;
  readonly issuer: string;
  readonly audience: string;
  readonly realmFor: (incoming: IncomingMessage) => string;
  /** null where somebody else issues the tokens. */
  readonly issue: ((request: RegistryRequest) => Promise<Answer>) | null;
}

/** @throws invalid `TOKEN_KEY` for a file that holds no public key or certificate. */
export function externalAuthority(options: {
  realm: string;
  issuer: string;
  service: string;
  keyFile: string;
}): TokenAuthority {
  let key: KeyObject;
  try {
    key = createPublicKey(readFileSync(options.keyFile));
  } catch (cause) {
    return fail("invalid", "TOKEN_KEY", `${options.keyFile} holds no public key or certificate in PEM`, { cause });
  }
  const { issuer, service: audience, realm } = options;
  return { key, issuer, audience, realmFor: () => realm, issue: null };
}

/** The registry as its own token server, for users of a password file; the key is made once and kept in `root`. */
export function ownAuthority(options: {
  root: string;
  users: Htpasswd;
  anonymousPull: boolean;
  isSecure: boolean;
}): TokenAuthority {
  const privateKey = ownKey(join(options.root, "token-key.pem"));
  const authority: TokenAuthority = {
    key: createPublicKey(privateKey),
    issuer: "lighter",
    audience: "lighter-registry",
    // The address under which the client reached us is the one that it can reach.
    realmFor: ({ headers }) => `${options.isSecure ? "https" : "http"}://${headers.host ?? "localhost"}/token`,
    issue: (request) => issueToken(authority, privateKey, options, request),
  };
  return authority;
}

/** Distribution's token endpoint: GET with a password or nothing, or POST in the manner of OAuth 2. @throws UNAUTHORIZED */
async function issueToken(
  authority: TokenAuthority,
  key: KeyObject,
  { users, anonymousPull }: { users: Htpasswd; anonymousPull: boolean },
  { method, query, incoming }: RegistryRequest,
): Promise<Answer> {
  const form = method === "POST" ? new URLSearchParams(await readForm(incoming)) : null;
  const user = form ? await userOfForm(authority, users, form) : await userOfHeader(users, incoming);
  if (user === null && !anonymousPull) return refuse("UNAUTHORIZED", "authentication required");
  const scopes = form ? (form.get("scope") ?? "").split(" ") : query.getAll("scope").flatMap((text) => text.split(" "));
  const access = scopes.flatMap((text) => granted(parseAuthScope(text), user));
  const wantsRefresh = form ? form.get("access_type") === "offline" : query.get("offline_token") === "true";
  const nowS = Math.floor(Date.now() / 1000);
  const claims = { iss: authority.issuer, sub: user ?? "", aud: authority.audience, nbf: nowS, iat: nowS };
  const token = signToken({ ...claims, exp: nowS + ACCESS_S, jti: randomUUID(), access }, key);
  const refresh =
    wantsRefresh && user !== null
      ? { refresh_token: signToken({ ...claims, exp: nowS + REFRESH_S, jti: randomUUID(), purpose: "refresh" }, key) }
      : {};
  return jsonAnswer(
    200,
    { token, access_token: token, expires_in: ACCESS_S, issued_at: new Date(nowS * 1000).toISOString(), ...refresh },
    { "Cache-Control": "no-store" },
  );
}

async function userOfHeader(users: Htpasswd, incoming: IncomingMessage): Promise<string | null> {
  const credentials = basicCredentials(incoming);
  if (credentials === null) return null;
  const isRight = await users.verify(credentials.username, credentials.password);
  return isRight ? credentials.username : refuse("UNAUTHORIZED", "incorrect username or password");
}

/** A refresh token is worth nothing any more once its user was struck off. */
async function userOfForm(authority: TokenAuthority, users: Htpasswd, form: URLSearchParams): Promise<string> {
  if (form.get("grant_type") === "refresh_token") {
    const claims = verifyToken(form.get("refresh_token") ?? "", authority, Date.now());
    if (claims?.purpose === "refresh" && claims.sub && users.knows(claims.sub)) return claims.sub;
  } else {
    const username = form.get("username") ?? "";
    if (await users.verify(username, form.get("password") ?? "")) return username;
  }
  return refuse("UNAUTHORIZED", "incorrect username or password");
}

/** Users may do all that they ask for, others read. */
function granted(scope: AuthScope | null, user: string | null): AuthScope[] {
  if (scope === null || scope.type !== "repository") return [];
  const actions = scope.actions.filter((action) => (user === null ? action === "pull" : ACTIONS.includes(action)));
  return actions.length > 0 ? [{ ...scope, actions }] : [];
}

function ownKey(path: string): KeyObject {
  try {
    return createPrivateKey(readFileSync(path));
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
  }
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  // "wx": of two that begin at once, one writes, and the other fails aloud.
  writeFileSync(path, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600, flag: "wx" });
  return privateKey;
}

async function readForm(incoming: IncomingMessage): Promise<string> {
  let text = "";
  for await (const piece of incoming) if (text.length <= FORM_LIMIT_BYTES) text += piece;
  return text.length > FORM_LIMIT_BYTES ? refuse("SIZE_INVALID", "the form is too long") : text;
}
