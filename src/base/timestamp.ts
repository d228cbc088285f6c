/** Nanoseconds since the epoch; 53 bits do not hold one, so it is a bigint. */
export type Nanoseconds = bigint;

const NANOS_PER_SECOND = 1_000_000_000n;

/** The wall clock with the microseconds that the runtime offers; events need an order within a millisecond. */
export function nowNanoseconds(): Nanoseconds {
  return BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
}

/** RFC 3339 in UTC with nine digits, trailing zeros kept out, as Go's RFC3339Nano prints it. */
export function formatTimestamp(time: Nanoseconds): string {
  const seconds = time / NANOS_PER_SECOND;
  const fraction = (time % NANOS_PER_SECOND).toString().padStart(9, "0").replace(/0+$/, "");
  const base = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return fraction ? `${base}.${fraction}Z` : `${base}Z`;
}

/** Now, as {@link formatTimestamp} prints it. */
export function timestampNow(): string {
  return formatTimestamp(nowNanoseconds());
}

/** What Docker shows for "never": Go's zero time. */
export const ZERO_TIMESTAMP = "0001-01-01T00:00:00Z";
