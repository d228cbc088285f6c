import { type ErrorKind, LighterError, messageOf } from "../base/errors.ts";

/** How a call ended (gRPC's status codes), of those that are told apart here. */
export const STATUS = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

const STATUS_OF_KIND: Readonly<Record<ErrorKind, number>> = {
  "not-found": STATUS.notFound,
  conflict: STATUS.alreadyExists,
  invalid: STATUS.invalidArgument,
  unauthorized: STATUS.unauthenticated,
  forbidden: STATUS.permissionDenied,
  unavailable: STATUS.unavailable,
  "not-modified": STATUS.failedPrecondition,
  "not-implemented": STATUS.unimplemented,
  cancelled: STATUS.cancelled,
  // Go's servers say this of every error that has no code of its own.
  internal: STATUS.unknown,
};

const KIND_OF_STATUS: ReadonlyMap<number, ErrorKind> = new Map([
  [STATUS.cancelled, "cancelled"],
  [STATUS.invalidArgument, "invalid"],
  [STATUS.notFound, "not-found"],
  [STATUS.alreadyExists, "conflict"],
  [STATUS.permissionDenied, "forbidden"],
  [STATUS.unimplemented, "not-implemented"],
  [STATUS.unavailable, "unavailable"],
  [STATUS.deadlineExceeded, "unavailable"],
  [STATUS.unauthenticated, "unauthorized"],
]);

export type Trailers = Readonly<Record<string, string>>;

/** What ends a call that failed. */
export function trailersOfError(error: unknown): Trailers {
  const status = error instanceof LighterError ? STATUS_OF_KIND[error.kind] : STATUS.unknown;
  return { "grpc-status": String(status), "grpc-message": encodeMessage(messageOf(error)) };
}

/** The error that the trailers of a call tell of; null where it went well. */
export function errorOfTrailers(trailers: Readonly<Record<string, unknown>>): LighterError | null {
  const status = Number(trailers["grpc-status"] ?? STATUS.unknown);
  if (status === STATUS.ok) return null;
  const text = decodeMessage(String(trailers["grpc-message"] ?? "")) || `the call ended with status ${status}`;
  return new LighterError(KIND_OF_STATUS.get(status) ?? "internal", "GRPC_CALL", text);
}

/** Percent encoding of what a header cannot hold, and of the percent sign (gRPC over HTTP2, Status-Message). */
function encodeMessage(text: string): string {
  return Array.from(Buffer.from(text, "utf8"), (byte) =>
    byte >= 0x20 && byte <= 0x7e && byte !== 0x25
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
  ).join("");
}

function decodeMessage(text: string): string {
  const bytes = text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString("utf8");
}
