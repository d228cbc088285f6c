import { type ErrorKind, LighterError, messageOf } from "../base/errors.ts";

const STATUS: Readonly<Record<ErrorKind, number>> = {
  "not-modified": 304,
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  "not-found": 404,
  conflict: 409,
  internal: 500,
  "not-implemented": 501,
  unavailable: 503,
  // The client that cancelled is gone; who still listens is being told that the engine shuts down.
  cancelled: 503,
};

/** The HTTP status of whatever was thrown: the one place that knows. What is not ours is a bug and a 500. */
export function statusOfError(error: unknown): number {
  return error instanceof LighterError ? STATUS[error.kind] : 500;
}

/** The body that Docker's clients read. */
export function errorBody(error: unknown): { readonly message: string } {
  return { message: messageOf(error) };
}
