import { fail } from "../../base/errors.ts";
import { type AuthChallenge, parseAuthChallenges } from "../protocol/auth-challenge.ts";
import { formatAuthScope } from "../protocol/auth-scope.ts";
import { parseRetryAfter } from "../protocol/retry-after.ts";
import { withoutSecrets } from "./connection-failure.ts";
import type { Credentials } from "./credentials.ts";
import type { Endpoint } from "./endpoints.ts";
import { failWith, mayPass } from "./registry-answer.ts";
import { Retry, type RetryPolicy, withRetries } from "./retry.ts";
import { type BearerToken, basicAuthorization, fetchToken, isFresh } from "./tokens.ts";
import type { ClientRequest, ClientResponse, Transport } from "./transport.ts";

/** What a session is for: a repository and what is to be done with it; null only asks whether the registry lets us in. */
export interface Access {
  readonly repository: string;
  readonly actions: readonly ("pull" | "push" | "delete")[];
}

export interface SessionRequest extends Omit<ClientRequest, "url" | "signal"> {
  /** Below `v2/`, or an address that the registry itself gave. */
  readonly target: string | URL;
}

export interface SessionOptions {
  readonly transport: Transport;
  readonly credentials: Credentials;
  readonly retries: RetryPolicy;
  readonly signal: AbortSignal;
}

/**
 * A registry that has answered, and how it wants to be spoken to:
 *
 *     open ─ GET /v2/ ─┬─ 200 ─────────────► no authorization
 *                      ├─ 401 Basic ───────► the password with every request
 *                      └─ 401 Bearer ──────► a token per scope, fetched when first needed,
 *                                            again when it runs out or is refused once
 */
export class RegistrySession {
  #token: { readonly scopes: string; readonly bearer: BearerToken } | null = null;
  /** Further repositories to read from, for mounting blobs. */
  readonly #sources = new Set<string>();

  private constructor(
    readonly endpoint: Endpoint,
    private readonly access: Access | null,
    private readonly challenge: AuthChallenge | null,
    private readonly options: SessionOptions,
  ) {}

  /** @throws ConnectionFailure if nobody answers; not-found for a server that is no registry. */
  static async open(endpoint: Endpoint, access: Access | null, options: SessionOptions): Promise<RegistrySession> {
    const url = new URL("v2/", endpoint.base);
    const { transport, signal, retries } = options;
    const response = await withRetries({ ...retries, attempts: Math.min(retries.attempts, 3) }, signal, async () => {
      // A registry that cannot be reached at all is reported at once, as Docker does; one that is busy is asked again.
      const answer = await transport.send({ method: "GET", url, signal }).catch((cause) => {
        throw signal.aborted ? cause : new FirstContactFailed(cause);
      });
      if (mayPass(answer.status)) await refuse(answer);
      return answer;
    }).catch((error) => {
      throw error instanceof FirstContactFailed ? error.cause : error;
    });
    if (response.status === 401) {
      response.body.resume();
      return new RegistrySession(endpoint, access, chooseChallenge(response), options);
    }
    if (response.status !== 200) return failWith(response);
    response.body.resume();
    return new RegistrySession(endpoint, access, null, options);
  }

  get signal(): AbortSignal {
    return this.options.signal;
  }

  get retries(): RetryPolicy {
    return this.options.retries;
  }

  /** Tokens from now on also allow to read these repositories of the same registry. */
  alsoRead(repositories: Iterable<string>): void {
    for (const repository of repositories) this.#sources.add(repository);
  }

  /** A request that may be sent again as it is, tried as often as the policy has it. Any status that is not of `accepted` throws. */
  send(request: SessionRequest, accepted: readonly number[]): Promise<ClientResponse> {
    return withRetries(this.retries, this.signal, () => this.attempt(request, accepted));
  }

  /**
   * One attempt. A body that is a stream is read once, so that it must not be refused for a stale token: call
   * {@link authorize} before.
   * @throws Retry for what may pass; the registry's refusal as an error.
   */
  async attempt(request: SessionRequest, accepted: readonly number[]): Promise<ClientResponse> {
    let response = await this.#exchange(request);
    const isStream = request.body !== undefined && !(request.body instanceof Uint8Array);
    if (response.status === 401 && this.#token !== null && !isStream) {
      // It ran out earlier than it said.
      this.#token = null;
      response.body.destroy();
      response = await this.#exchange(request);
    }
    if (accepted.includes(response.status)) return response;
    return mayPass(response.status) ? refuse(response) : failWith(response);
  }

  /** Makes sure that the next request need not be refused to learn how to be authorized. */
  async authorize(): Promise<void> {
    await this.#authorization();
  }

  /** At login: a token in place of the password, if the registry works with tokens and offers one. */
  async refreshToken(): Promise<string> {
    if (this.challenge?.scheme !== "bearer") return "";
    return (await this.#fetchToken({ offline: true })).refreshToken ?? "";
  }

  urlOf(target: string | URL): URL {
    return typeof target === "string" ? new URL(`v2/${target}`, this.endpoint.base) : target;
  }

  async #exchange({ target, headers, ...rest }: SessionRequest): Promise<ClientResponse> {
    const { transport, signal } = this.options;
    const url = this.urlOf(target);
    const isOurs = url.origin === this.endpoint.base.origin;
    const authorization = isOurs ? await this.#authorization(rest.method, url) : null;
    return transport.send({
      ...rest,
      url,
      signal,
      headers: { ...headers, ...(authorization !== null && { Authorization: authorization }) },
    });
  }

  async #authorization(method = "GET", url = this.urlOf("")): Promise<string | null> {
    const { credentials } = this.options;
    if (this.challenge === null) return null;
    if (credentials.kind === "bearer") return `Bearer ${credentials.token}`;
    if (this.challenge.scheme === "basic") {
      if (credentials.kind === "basic") return basicAuthorization(credentials);
      const verb = `${method.charAt(0)}${method.slice(1).toLowerCase()}`;
      return fail("unauthorized", "NO_CREDENTIALS", `${verb} "${withoutSecrets(url)}": no basic auth credentials`);
    }
    return `Bearer ${(await this.#fetchToken({ offline: false })).token}`;
  }

  async #fetchToken(options: { offline: boolean }): Promise<BearerToken> {
    const { transport, credentials, signal } = this.options;
    const scopes = this.#scopes();
    const key = scopes.join(" ");
    if (this.#token?.scopes === key && isFresh(this.#token.bearer) && !options.offline) return this.#token.bearer;
    if (this.challenge === null) return fail("internal", "NO_CHALLENGE", "the registry asked for no token");
    const { challenge } = this;
    const bearer = await withRetries(this.retries, signal, () =>
      fetchToken(transport, this.endpoint.base, challenge, scopes, credentials, { ...options, signal }),
    );
    this.#token = { scopes: key, bearer };
    return bearer;
  }

  #scopes(): string[] {
    if (this.access === null) return [];
    const { repository, actions } = this.access;
    const sources = [...this.#sources].filter((name) => name !== repository);
    return [
      formatAuthScope({ type: "repository", name: repository, actions }),
      ...sources.map((name) => formatAuthScope({ type: "repository", name, actions: ["pull"] })),
    ];
  }
}

class FirstContactFailed {
  constructor(readonly cause: unknown) {}
}

/** Tokens are preferred where a registry takes both. */
function chooseChallenge(response: ClientResponse): AuthChallenge {
  const header = response.headers["www-authenticate"];
  const challenges = parseAuthChallenges(typeof header === "string" ? header : "");
  return (
    challenges.find(({ scheme, parameters }) => scheme === "bearer" && parameters.realm !== undefined) ??
    challenges.find(({ scheme }) => scheme === "basic") ??
    fail(
      "unauthorized",
      "UNAUTHORIZED",
      `${withoutSecrets(response.url)}: it asks for an authorization that is neither Basic nor Bearer`,
    )
  );
}

/** Turns a refusal that may pass into a {@link Retry} with the registry's own words and delay. */
async function refuse(response: ClientResponse): Promise<never> {
  const delayMs = parseRetryAfter(response.headers["retry-after"], Date.now());
  const cause = await failWith(response).catch((error: unknown) => error);
  throw new Retry(cause, delayMs);
}
