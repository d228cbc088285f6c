/** What a token allows: `repository:library/busybox:pull,push` (distribution's token scope grammar). */
export interface AuthScope {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

/** A name may have a port in it, so the type ends at the first colon and the actions begin behind the last. */
const SCOPE = /^([a-z0-9]+(?:\([a-z0-9]+\))?):(.+):([a-z*]+(?:,[a-z*]+)*)$/;

export function parseAuthScope(text: string): AuthScope | null {
  const match = SCOPE.exec(text);
  if (!match) return null;
  const [, type = "", name = "", actions = ""] = match;
  return { type, name, actions: actions.split(",") };
}

export function formatAuthScope({ type, name, actions }: AuthScope): string {
  return `${type}:${name}:${actions.join(",")}`;
}
