import { LighterError } from "../../base/errors.ts";
import type { Reference } from "../../image/reference.ts";
import { ConnectionFailure } from "./connection-failure.ts";
import { ANONYMOUS, type Credentials } from "./credentials.ts";
import { endpointsOf } from "./endpoints.ts";
import { type Access, RegistrySession } from "./registry-session.ts";
import type { RegistrySettings } from "./registry-settings.ts";
import { DEFAULT_RETRIES, type RetryPolicy } from "./retry.ts";
import { Transport } from "./transport.ts";

/** How one request of a client reaches registries. */
export interface RegistryAccess {
  readonly settings: RegistrySettings;
  readonly credentials: Credentials;
  readonly signal: AbortSignal;
  readonly retries?: RetryPolicy;
  /** Without a byte for so long, a connection is given up. */
  readonly idleMs?: number;
}

/**
 * Opens the repository at the first endpoint where `work` succeeds, and returns what it returns. The next one is asked
 * where nobody answers, and after a mirror whatever its reason; a registry's own refusal is final.
 * @throws the last endpoint's failure
 */
export async function atRepository<T>(
  { domain, path }: Pick<Reference, "domain" | "path">,
  actions: Access["actions"],
  access: RegistryAccess,
  work: (session: RegistrySession) => Promise<T>,
): Promise<T> {
  using transport = new Transport(access.settings, access.idleMs);
  let failure: unknown = new LighterError("internal", "NO_ENDPOINT", `${domain}: no address to ask`);
  for (const endpoint of endpointsOf(domain, access.settings, actions.includes("push") ? "push" : "pull")) {
    // A mirror is somebody else than the one that the credentials are for.
    const credentials = endpoint.isMirror ? ANONYMOUS : access.credentials;
    const options = { transport, credentials, retries: access.retries ?? DEFAULT_RETRIES, signal: access.signal };
    let session: RegistrySession | undefined;
    try {
      session = await RegistrySession.open(endpoint, { repository: path, actions }, options);
      return await work(session);
    } catch (error) {
      access.signal.throwIfAborted();
      const mayTryNext = endpoint.isMirror || (session === undefined && error instanceof ConnectionFailure);
      if (!mayTryNext) throw error;
      failure = error;
    }
  }
  throw failure;
}
