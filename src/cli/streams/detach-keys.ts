const DEFAULT_KEYS = "ctrl-p,ctrl-q";

/** Passes typed bytes on until the keys that mean "leave it running" were pressed one after another. */
export interface DetachFilter {
  /** What to send now; a beginning of the keys is held back until it is clear that it is none. */
  feed(typed: Uint8Array): { readonly pass: Uint8Array; readonly detached: boolean };
}

/**
 * Reads `--detach-keys`: letters or `ctrl-` and one of `a-z @ [ \ ] ^ _`, separated by commas.
 * @throws Error naming the key
 */
export function createDetachFilter(keys: string = DEFAULT_KEYS): DetachFilter {
  const sequence = keys.split(",").map(parseKey);
  let matched = 0;
  return {
    feed(typed) {
      const pass: number[] = [];
      for (const byte of typed) {
        if (byte === sequence[matched]) {
          matched++;
          if (matched === sequence.length) return { pass: Uint8Array.from(pass), detached: true };
          continue;
        }
        pass.push(...sequence.slice(0, matched));
        matched = byte === sequence[0] ? 1 : 0;
        if (matched === 0) pass.push(byte);
      }
      return { pass: Uint8Array.from(pass), detached: false };
    },
  };
}

function parseKey(name: string): number {
  if (name.length === 1) return name.charCodeAt(0);
  const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(name)?.[1];
  if (control === undefined) throw new Error(`invalid detach keys: Unknown character: '${name}'`);
  return control.toUpperCase().charCodeAt(0) - 64;
}
