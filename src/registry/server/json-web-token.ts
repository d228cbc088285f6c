import { type KeyObject, sign, verify } from "node:crypto";
import { z } from "zod";
import type { AuthScope } from "../protocol/auth-scope.ts";

/** Clocks of issuer and registry may differ by so much. */
const LEEWAY_S = 60;
const TOKEN_LIMIT = 64 * 1024;

/** Distribution's "Token Authentication Implementation". */
const ClaimsSchema = z.looseObject({
  iss: z.string(),
  sub: z.string().nullish(),
  aud: z.union([z.string(), z.array(z.string())]),
  exp: z.number(),
  nbf: z.number().nullish(),
  iat: z.number().nullish(),
  /** Of our refresh tokens, which open nothing but the token endpoint. */
  purpose: z.literal("refresh").nullish(),
  access: z.array(z.object({ type: z.string(), name: z.string(), actions: z.array(z.string()) })).nullish(),
});
export type Claims = z.infer<typeof ClaimsSchema>;

export interface IssuedClaims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: string;
  readonly exp: number;
  readonly nbf: number;
  readonly iat: number;
  readonly jti: string;
  readonly purpose?: "refresh";
  readonly access?: readonly AuthScope[];
}

export function signToken(claims: IssuedClaims, key: KeyObject): string {
  const algorithm = algorithmOf(key);
  const head = encode({ typ: "JWT", alg: algorithm });
  const signed = `${head}.${encode(claims)}`;
  return `${signed}.${sign("sha256", Buffer.from(signed), signing(key)).toString("base64url")}`;
}

/**
 * The claims of a token if its signature, issuer, audience and times are right, otherwise null. What decides on the
 * algorithm is our key, never the token: "none" and a public key taken for a shared secret cannot happen.
 */
export function verifyToken(
  token: string,
  expected: { key: KeyObject; issuer: string; audience: string },
  nowMs: number,
): Claims | null {
  const [head = "", body = "", signature = "", ...rest] = token.split(".");
  if (token.length > TOKEN_LIMIT || rest.length > 0) return null;
  const header = z.looseObject({ alg: z.string() }).safeParse(decode(head));
  if (header.data?.alg !== algorithmOf(expected.key)) return null;
  const isSigned = verify(
    "sha256",
    Buffer.from(`${head}.${body}`),
    signing(expected.key),
    Buffer.from(signature, "base64url"),
  );
  const claims = ClaimsSchema.safeParse(decode(body)).data;
  if (!isSigned || !claims) return null;
  const { iss, aud, exp, nbf } = claims;
  const nowS = nowMs / 1000;
  const isForUs = iss === expected.issuer && [aud].flat().includes(expected.audience);
  return isForUs && exp > nowS - LEEWAY_S && (nbf ?? 0) < nowS + LEEWAY_S ? claims : null;
}

/** P-256 or RSA, as the registries' tokens have them. */
function algorithmOf(key: KeyObject): "ES256" | "RS256" | null {
  if (key.asymmetricKeyType === "rsa") return "RS256";
  return key.asymmetricKeyType === "ec" && key.asymmetricKeyDetails?.namedCurve === "prime256v1" ? "ES256" : null;
}

function signing(key: KeyObject) {
  return { key, dsaEncoding: "ieee-p1363" as const };
}

function encode(document: unknown): string {
  return Buffer.from(JSON.stringify(document)).toString("base64url");
}

function decode(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString());
  } catch {
    // The caller's schema refuses this.
    return undefined;
  }
}
