import { LighterError } from "../../base/errors.ts";
import { ConnectionFailure, withoutSecrets } from "./connection-failure.ts";
import type { Credentials } from "./credentials.ts";
import { endpointsOf } from "./endpoints.ts";
import type { RegistryAccess } from "./open-repository.ts";
import { RegistrySession } from "./registry-session.ts";
import { DEFAULT_RETRIES } from "./retry.ts";
import { Transport } from "./transport.ts";

/** Docker Hub's name in credentials, since before there were registries of version 2. */
const HUB_ADDRESS = "https://index.docker.io/v1/";

/** The body of the answer to `POST /auth`. */
export interface LoginResult {
  readonly Status: "Login Succeeded";
  /** To be kept in place of the password; empty where the registry has no such thing. */
  readonly IdentityToken: string;
}

/**
 * Asks a registry whether it takes these credentials.
 * @param serverAddress as users and config files write it: with or without scheme and path; empty for Docker Hub.
 * @throws unauthorized `LOGIN_REFUSED`, in Docker's words; internal `REGISTRY_UNREACHABLE`.
 */
export async function checkLogin(
  serverAddress: string,
  credentials: Credentials,
  access: Omit<RegistryAccess, "credentials">,
): Promise<LoginResult> {
  using transport = new Transport(access.settings, access.idleMs);
  let failure: unknown;
  for (const endpoint of endpointsOf(domainOf(serverAddress), access.settings, "push")) {
    const options = { transport, credentials, retries: access.retries ?? DEFAULT_RETRIES, signal: access.signal };
    try {
      const session = await RegistrySession.open(endpoint, null, options);
      const identityToken = credentials.kind === "basic" ? await session.refreshToken() : "";
      const response = await session.attempt({ method: "GET", target: "" }, [200, 401]);
      response.body.resume();
      if (response.status === 401) {
        throw new LighterError(
          "unauthorized",
          "LOGIN_REFUSED",
          `login attempt to ${withoutSecrets(session.urlOf(""))} failed with status: 401 Unauthorized`,
        );
      }
      return { Status: "Login Succeeded", IdentityToken: identityToken };
    } catch (error) {
      access.signal.throwIfAborted();
      if (!(error instanceof ConnectionFailure)) throw error;
      failure = error;
    }
  }
  throw failure;
}

/** The registry's name as images have it. */
export function domainOf(serverAddress: string): string {
  if (serverAddress === "" || serverAddress === HUB_ADDRESS) return "docker.io";
  const host = serverAddress.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
  return ["index.docker.io", "registry-1.docker.io"].includes(host) ? "docker.io" : host;
}
