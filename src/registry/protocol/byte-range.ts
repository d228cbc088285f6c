/** Both ends belong to it, counted from zero. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * The part that a `Range` header asks of `sizeBytes` (RFC 9110, 14.2).
 * @returns null for the whole: no header, one that does not read, another unit, or several parts, which a server may
 *   ignore; `unsatisfiable` where nothing of it exists.
 */
export function parseRange(header: string | undefined, sizeBytes: number): ByteRange | "unsatisfiable" | null {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "");
  const [, first = "", last = ""] = match ?? [];
  if (first === "" && last === "") return null;
  if (first === "") {
    const length = Math.min(Number(last), sizeBytes);
    return length === 0 ? "unsatisfiable" : { start: sizeBytes - length, end: sizeBytes - 1 };
  }
  const start = Number(first);
  const end = last === "" ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  if (last !== "" && Number(last) < start) return null;
  return start >= sizeBytes ? "unsatisfiable" : { start, end };
}

/** Of a 206: which part it is, and of how much, if that is told (RFC 9110, 14.4). */
export function parseContentRange(header: string | undefined): (ByteRange & { readonly size: number | null }) | null {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(header ?? "");
  if (!match) return null;
  const [, start, end, size] = match;
  const range = { start: Number(start), end: Number(end), size: size === "*" ? null : Number(size) };
  return range.start <= range.end && (range.size === null || range.end < range.size) ? range : null;
}

/** A blob upload's `Content-Range` and `Range`, which are the numbers alone (OCI distribution spec, "Pushing a blob in chunks"). */
export function parseUploadRange(header: string | undefined): ByteRange | null {
  const match = /^(?:bytes[= ])?(\d{1,15})-(\d{1,15})(?:\/(?:\d+|\*))?$/.exec(header ?? "");
  if (!match) return null;
  const range = { start: Number(match[1]), end: Number(match[2]) };
  return range.start <= range.end ? range : null;
}

/** What a registry has of an upload. Nothing is written as `0-0`, for the header has no way to say it. */
export function formatUploadRange(sizeBytes: number): string {
  return `0-${Math.max(0, sizeBytes - 1)}`;
}
