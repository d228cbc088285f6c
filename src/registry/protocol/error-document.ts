import { z } from "zod";

/** OCI distribution spec, "Error Codes", and what Docker's registry adds to them. */
export type RegistryErrorCode =
  | "BLOB_UNKNOWN"
  | "BLOB_UPLOAD_INVALID"
  | "BLOB_UPLOAD_UNKNOWN"
  | "DIGEST_INVALID"
  | "MANIFEST_BLOB_UNKNOWN"
  | "MANIFEST_INVALID"
  | "MANIFEST_UNKNOWN"
  | "NAME_INVALID"
  | "NAME_UNKNOWN"
  | "PAGINATION_NUMBER_INVALID"
  | "RANGE_INVALID"
  | "SIZE_INVALID"
  | "TAG_INVALID"
  | "UNAUTHORIZED"
  | "DENIED"
  | "UNSUPPORTED"
  | "TOOMANYREQUESTS"
  | "UNKNOWN";

const ErrorDocumentSchema = z.object({
  errors: z
    .array(z.object({ code: z.string().max(64), message: z.string().nullish() }))
    .min(1)
    .max(100),
});

export interface RegistryErrorEntry {
  readonly code: string;
  readonly message: string;
}

/** The errors in a registry's answer; null if it is no such document (a proxy's page, an empty body). */
export function parseErrorDocument(body: string): readonly RegistryErrorEntry[] | null {
  try {
    const parsed = ErrorDocumentSchema.safeParse(JSON.parse(body));
    return parsed.success ? parsed.data.errors.map(({ code, message }) => ({ code, message: message ?? "" })) : null;
  } catch {
    // Not JSON: many who stand in front of registries answer in HTML.
    return null;
  }
}

/** As Docker prints one: `manifest unknown: manifest unknown`. */
export function describeErrorEntry({ code, message }: RegistryErrorEntry): string {
  const words = code.toLowerCase().replaceAll("_", " ");
  return message === "" ? words : `${words}: ${oneLine(message)}`;
}

export function errorDocument(code: RegistryErrorCode, message: string, detail: unknown = null): string {
  return JSON.stringify({ errors: [{ code, message, detail }] });
}

/** A registry's words go to terminals and logs: no line breaks or escape sequences, and no end in sight. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]+/gu, " ").slice(0, 500);
}
