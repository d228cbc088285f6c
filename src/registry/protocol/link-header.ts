const LINK =
  /\s*<([^<>]*)>((?:\s*;\s*[!#$&+.^_`|~0-9A-Za-z-]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s",;]*))?)*)\s*(?:,|$)/y;
const RELATION = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s",;]+))/i;

/**
 * The page that follows, from a `Link` header (RFC 8288); null if there is none. A registry that points to another
 * origin gets no answer: our credentials are for this one.
 */
export function nextLink(header: string | undefined, current: URL): URL | null {
  if (header === undefined) return null;
  LINK.lastIndex = 0;
  for (let match = LINK.exec(header); match; match = LINK.exec(header)) {
    const [, target = "", parameters = ""] = match;
    const relation = RELATION.exec(parameters);
    const relations = (relation?.[1] ?? relation?.[2] ?? "").toLowerCase().split(/\s+/);
    if (relations.includes("next")) return sameOrigin(target, current);
    if (LINK.lastIndex >= header.length) return null;
  }
  return null;
}

/** @param target a path with its query, already encoded. */
export function formatNextLink(target: string): string {
  return `<${target}>; rel="next"`;
}

function sameOrigin(target: string, current: URL): URL | null {
  if (!URL.canParse(target, current.href)) return null;
  const next = new URL(target, current);
  return next.origin === current.origin ? next : null;
}
