import { parseDuration } from "./duration.ts";

/**
 * A time as `--since` and `--until` take it: so long ago (`42m`), seconds since the epoch, or a date in RFC 3339 whose
 * end may be missing and whose zone is ours when it is not told. Returns seconds since the epoch with nine decimals, as
 * the API takes them.
 * @param flag the flag that has the text, for the message
 */
export function parseMoment(flag: string, text: string, nowMs: number): string {
  if (/^\d+(\.\d+)?$/.test(text)) return text;
  const duration = durationOrNull(text);
  if (duration !== null) return seconds(BigInt(nowMs) * 1_000_000n - BigInt(duration));
  const match = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2})(?::(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?)?(Z|[+-]\d{2}:\d{2})?$/.exec(
    text,
  );
  if (!match) invalid(flag, text);
  const [, day, hour = "00", minute = "00", second = "00", fraction = "", zone = ""] = match;
  const time = Date.parse(`${day}T${hour}:${minute}:${second}${zone}`);
  if (Number.isNaN(time)) invalid(flag, text);
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

function invalid(flag: string, text: string): never {
  throw new Error(`invalid value for "${flag}": failed to parse value as time or duration: "${text}"`);
}
