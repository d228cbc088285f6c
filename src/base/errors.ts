/**
 * The closed set of reasons for which Lighter refuses or fails. `api/` alone maps kinds to HTTP statuses; callers branch
 * on `kind` or on the stable `code`, never on the text.
 */
export type ErrorKind =
  | "not-found"
  | "conflict"
  | "invalid"
  | "unauthorized"
  | "forbidden"
  | "unavailable"
  | "not-modified"
  | "not-implemented"
  | "cancelled"
  | "internal";

/** The one error class. `message` names the thing, the cause and the next step, in one line. */
export class LighterError extends Error {
  override readonly name = "LighterError";

  constructor(
    readonly kind: ErrorKind,
    /** Stable, in capitals: `CONTAINER_NOT_FOUND`. */
    readonly code: string,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** Throws a {@link LighterError}; reads as a statement: `fail("invalid", "BAD_PORT", "...")`. */
export function fail(kind: ErrorKind, code: string, message: string, options?: { cause?: unknown }): never {
  throw new LighterError(kind, code, message, options);
}

/** The system's name of a failure (`ENOENT`), if the thing thrown carries one. */
export function errnoOf(error: unknown): string | undefined {
  return typeof error === "object" && error !== null && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined;
}

/** The text of whatever was thrown, for putting it into another message. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
