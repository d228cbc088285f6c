import { z } from "zod";
import { fail } from "../../base/errors.ts";

/** What one request may use to make itself known to one registry. */
export type Credentials =
  | { readonly kind: "none" }
  | { readonly kind: "basic"; readonly username: string; readonly password: string }
  /** A refresh token that a token server gave at login in place of the password. */
  | { readonly kind: "identity"; readonly username: string; readonly token: string }
  /** A bearer token, sent as it is. */
  | { readonly kind: "bearer"; readonly token: string };

export const ANONYMOUS: Credentials = { kind: "none" };

const text = z.string().nullish();

/** Docker's AuthConfig: the body of `POST /auth` and, in base64url, the header `X-Registry-Auth`. */
export const AuthConfigSchema = z.object({
  username: text,
  password: text,
  /** `username:password` in base64, where the two are not given. */
  auth: text,
  serveraddress: text,
  identitytoken: text,
  registrytoken: text,
});
export type AuthConfig = z.infer<typeof AuthConfigSchema>;

/** Docker's order of preference. */
export function credentialsOf(config: AuthConfig): Credentials {
  const [user = "", ...rest] = Buffer.from(config.auth ?? "", "base64")
    .toString()
    .split(":");
  const username = config.username || user;
  const password = config.password || rest.join(":").replace(/\0+$/, "");
  if (config.registrytoken) return { kind: "bearer", token: config.registrytoken };
  if (config.identitytoken) return { kind: "identity", username, token: config.identitytoken };
  return username === "" && password === "" ? ANONYMOUS : { kind: "basic", username, password };
}

/**
 * Reads `X-Registry-Auth`. Clients send it empty, as `{}`, as `null` or not at all when they have nothing to say.
 * @throws invalid `REGISTRY_AUTH` for what is neither base64 nor JSON.
 */
export function parseRegistryAuth(header: string | undefined): Credentials {
  if (!header) return ANONYMOUS;
  const json = Buffer.from(header, "base64url").toString();
  try {
    return credentialsOf(AuthConfigSchema.nullable().parse(JSON.parse(json)) ?? AuthConfigSchema.parse({}));
  } catch (cause) {
    return fail("invalid", "REGISTRY_AUTH", "invalid X-Registry-Auth header: not base64url of an AuthConfig in JSON", {
      cause,
    });
  }
}
