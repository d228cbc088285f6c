import { errnoOf, LighterError, messageOf } from "../../base/errors.ts";

/** Causes as Go's net package words them, because scripts look for these words. */
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connect: connection refused",
  EHOSTUNREACH: "connect: no route to host",
  ENETUNREACH: "connect: network is unreachable",
  ECONNRESET: "read: connection reset by peer",
  EPIPE: "write: broken pipe",
  ETIMEDOUT: "i/o timeout",
};

const CERTIFICATE_WORDS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "x509: certificate signed by unknown authority",
  SELF_SIGNED_CERT_IN_CHAIN: "x509: certificate signed by unknown authority",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "x509: certificate signed by unknown authority",
  UNABLE_TO_GET_ISSUER_CERT: "x509: certificate signed by unknown authority",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "x509: certificate signed by unknown authority",
  CERT_HAS_EXPIRED: "x509: certificate has expired or is not yet valid",
  CERT_NOT_YET_VALID: "x509: certificate has expired or is not yet valid",
  ERR_TLS_CERT_ALTNAME_INVALID: "x509: certificate is not valid for this name",
  ERR_SSL_WRONG_VERSION_NUMBER: "http: server gave HTTP response to HTTPS client",
  EPROTO: "http: server gave HTTP response to HTTPS client",
};

/** No answer came, or it broke off: another attempt may have one, unless the certificate is the reason. */
export class ConnectionFailure extends LighterError {
  constructor(method: string, url: URL, cause: unknown) {
    const errno = errnoOf(cause) ?? "";
    super(
      // Docker answers 500 to its client when it cannot reach a registry.
      "internal",
      "REGISTRY_UNREACHABLE",
      `${method.charAt(0)}${method.slice(1).toLowerCase()} "${withoutSecrets(url)}": ${words(url, errno, cause)}`,
      { cause },
    );
    this.mayPass = !(errno in CERTIFICATE_WORDS) && errno !== "ENOTFOUND";
  }

  /** Whether trying again makes sense. */
  readonly mayPass: boolean;
}

/** Signed addresses carry their secret in the query. */
export function withoutSecrets(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

function words(url: URL, errno: string, cause: unknown): string {
  if (errno in CERTIFICATE_WORDS) return CERTIFICATE_WORDS[errno] ?? errno;
  if (errno === "ENOTFOUND") return `dial tcp: lookup ${url.hostname}: no such host`;
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return errno in WORDS ? `dial tcp ${url.hostname}:${port}: ${WORDS[errno]}` : messageOf(cause);
}
