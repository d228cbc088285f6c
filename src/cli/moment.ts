import { parseDuration } from "./duration.ts";

/**
 * A time as `--since` and `--until` take it: so long ago (`42m`), seconds since the epoch, or a date in RFC 3339 whose
 * end may be missing and whose zone is ours when it is not told. Returns seconds since the epoch with nine decimals, as
 * the API takes them.
 */
export function parseMoment(text: string, nowMs: number): string {
  if (/^\d+(\.\d+)?$/.test(text)) return text;
  const duration = durationOrNull(text);
  if (duration !== null) return seconds(BigInt(nowMs) * 1_000_000n - BigInt(duration));
  const match = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2})(?::(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?)?(Z|[+-]\d{2}:\d{2})?$/.exec(
    text,
  );
  if (!match)
    throw new Error(`invalid time "${text}": expected a duration such as 42m, or a date such as 2026-01-02T13:23:37Z`);
  const [, day, hour = "00", minute = "00", second = "00", fraction = "", zone = ""] = match;
  const time = Date.parse(`${day}T${hour}:${minute}:${second}${zone}`);
  if (Number.isNaN(time)) throw new Error(`invalid time "${text}": no such date`);
  return seconds(BigInt(time) * 1_000_000n + BigInt(fraction.padEnd(9, "0")));
}

function durationOrNull(text: string): number | null {
  try {
    return parseDuration(text);
  } catch {
    return null; // Not a duration; the caller goes on to try a date.
  }
}

function seconds(nanoseconds: bigint): string {
  return `${nanoseconds / 1_000_000_000n}.${String(nanoseconds % 1_000_000_000n).padStart(9, "0")}`;
}
