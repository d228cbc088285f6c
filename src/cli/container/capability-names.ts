/** `net_admin` and `CAP_NET_ADMIN` are the same; `ALL` beside others is all; sorted, as the docker CLI sends them. */
export function normalizeCapabilities(names: readonly string[]): string[] {
  const normalized = new Set(
    names.map((name) => {
      const upper = name.trim().toUpperCase();
      return upper === "ALL" || upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
    }),
  );
  return normalized.has("ALL") || normalized.has("CAP_ALL") ? ["ALL"] : [...normalized].sort();
}
