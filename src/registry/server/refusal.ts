import { type ErrorKind, LighterError } from "../../base/errors.ts";
import type { RegistryErrorCode } from "../protocol/error-document.ts";

/** Status and kind of each code (OCI distribution spec, "Error Codes", and Docker's registry where the spec leaves it open). */
const MEANING: Readonly<Record<RegistryErrorCode, readonly [status: number, kind: ErrorKind]>> = {
  BLOB_UNKNOWN: [404, "not-found"],
  BLOB_UPLOAD_INVALID: [400, "invalid"],
  BLOB_UPLOAD_UNKNOWN: [404, "not-found"],
  DIGEST_INVALID: [400, "invalid"],
  MANIFEST_BLOB_UNKNOWN: [404, "not-found"],
  MANIFEST_INVALID: [400, "invalid"],
  MANIFEST_UNKNOWN: [404, "not-found"],
  NAME_INVALID: [400, "invalid"],
  NAME_UNKNOWN: [404, "not-found"],
  PAGINATION_NUMBER_INVALID: [400, "invalid"],
  RANGE_INVALID: [416, "invalid"],
  SIZE_INVALID: [400, "invalid"],
  TAG_INVALID: [400, "invalid"],
  UNAUTHORIZED: [401, "unauthorized"],
  DENIED: [403, "forbidden"],
  UNSUPPORTED: [405, "not-implemented"],
  TOOMANYREQUESTS: [429, "unavailable"],
  UNKNOWN: [500, "internal"],
};

/** What the registry answers instead of what was asked for. */
export class Refusal extends LighterError {
  readonly status: number;

  constructor(
    readonly registryCode: RegistryErrorCode,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
    readonly detail: unknown = null,
  ) {
    const [status, kind] = MEANING[registryCode];
    super(kind, registryCode, message);
    this.status = status;
  }
}

export function refuse(
  code: RegistryErrorCode,
  message: string,
  headers?: Readonly<Record<string, string>>,
  detail?: unknown,
): never {
  throw new Refusal(code, message, headers, detail);
}
