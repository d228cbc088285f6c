import { timestampNow } from "../../base/timestamp.ts";

/** What a result says it was made at: now, or what SOURCE_DATE_EPOCH says. */
export function createdTime(epochSeconds: number | null): string {
  return epochSeconds === null ? timestampNow() : new Date(epochSeconds * 1000).toISOString().replace(".000Z", "Z");
}
