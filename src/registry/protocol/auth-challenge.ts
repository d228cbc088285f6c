/** What a server asks for in `WWW-Authenticate`: `Bearer realm="https://auth.example/token",service="registry"`. */
export interface AuthChallenge {
  /** In lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** By name in lower case. */
  readonly parameters: Readonly<Record<string, string>>;
}

const SEPARATORS = /[\s,]*/y;
const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const PARAMETER = /\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~0-9A-Za-z:/-]+))/y;
const COMMA = /\s*,[\s,]*/y;
/** Credentials of old schemes in one word (`Negotiate YII=`): nothing that registries use, so it is stepped over. */
const TOKEN68 = /[ \t]+[0-9A-Za-z._~+/-]+=*(?=\s*(?:,|$))/y;

/**
 * Reads a challenge header, which may hold several challenges with commas between and inside them (RFC 9110, 11.6.1).
 * What stands behind the first thing that does not read is left out.
 */
export function parseAuthChallenges(header: string): AuthChallenge[] {
  const challenges: AuthChallenge[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(header);
    if (match) at = pattern.lastIndex;
    return match;
  };
  for (;;) {
    take(SEPARATORS);
    const scheme = take(TOKEN)?.[0];
    if (scheme === undefined) return challenges;
    const parameters: Record<string, string> = Object.create(null);
    if (!take(TOKEN68)) {
      for (let parameter = take(PARAMETER); parameter; ) {
        const [, name = "", quoted, plain = ""] = parameter;
        parameters[name.toLowerCase()] = quoted === undefined ? plain : quoted.replace(/\\(.)/g, "$1");
        const before = at;
        parameter = take(COMMA) && take(PARAMETER);
        // The comma was the one before the next challenge.
        if (!parameter) at = before;
      }
    }
    challenges.push({ scheme: scheme.toLowerCase(), parameters });
  }
}

/** Writes a challenge. Values must be without control characters. */
export function formatAuthChallenge({ scheme, parameters }: AuthChallenge): string {
  const list = Object.entries(parameters).map(([name, value]) => `${name}="${value.replace(/["\\]/g, "\\$&")}"`);
  const name = scheme.charAt(0).toUpperCase() + scheme.slice(1);
  return list.length === 0 ? name : `${name} ${list.join(",")}`;
}
