import { fail } from "../../base/errors.ts";

const UNIT_NS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};
const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gy;

/**
 * Nanoseconds of a duration as Go writes it: `1m30s`, `2.5h`, `300ms`.
 * @throws invalid with Go's own words, which scripts may know.
 */
export function parseDuration(text: string): number {
  const [, sign = "", body = ""] = /^([-+]?)(.*)$/s.exec(text) ?? [];
  if (body === "0") return 0;
  let total = 0;
  let end = 0;
  for (const match of body.matchAll(PART)) {
    total += Number(match[1]) * (UNIT_NS[match[2] ?? ""] ?? 0);
    end = match.index + match[0].length;
  }
  if (!body || end !== body.length) {
    const quoted = JSON.stringify(text);
    const rest = body.slice(end);
    if (/^(\d+\.?\d*|\.\d+)$/.test(rest)) {
      fail("invalid", "BAD_DURATION", `time: missing unit in duration ${quoted} (such as 30s or 1m30s)`);
    }
    fail("invalid", "BAD_DURATION", `time: invalid duration ${quoted} (such as 30s or 1m30s)`);
  }
  return Math.round(sign === "-" ? -total : total);
}
