const NANOSECONDS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** Reads Go's durations (`1h30m`, `500ms`, `-1.5s`) as nanoseconds. */
export function parseDuration(text: string): number {
  const [, sign, magnitude = ""] = /^([+-]?)(.*)$/.exec(text) ?? [];
  if (magnitude === "0") return 0;
  if (/^[\d.]+$/.test(magnitude)) throw new Error(`time: missing unit in duration ${JSON.stringify(text)}`);
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/.test(magnitude)) {
    throw new Error(`time: invalid duration ${JSON.stringify(text)}`);
  }
  let total = 0;
  for (const [, number, unit = ""] of magnitude.matchAll(/([\d.]+)(ns|us|µs|ms|s|m|h)/g)) {
    total += Number(number) * (NANOSECONDS[unit] ?? 0);
  }
  return Math.round(sign === "-" ? -total : total);
}
