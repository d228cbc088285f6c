import { fail } from "../base/errors.ts";

/** ctrl-p, ctrl-q */
const DEFAULT_KEYS: readonly number[] = [0x10, 0x11];
const CONTROL_KEYS = "@abcdefghijklmnopqrstuvwxyz[\\]^_";

/**
 * Parses `ctrl-p,ctrl-q` or `a,b` into bytes; empty means the default.
 * @throws invalid `INVALID_DETACH_KEYS` in Docker's words.
 */
export function parseDetachKeys(text: string): readonly number[] {
  if (text === "") return DEFAULT_KEYS;
  return text.split(",").map((key) => {
    if (key.length === 1) return key.charCodeAt(0) & 0xff;
    const control = key.startsWith("ctrl-") && key.length === 6 ? CONTROL_KEYS.indexOf(key.slice(5)) : -1;
    if (control < 0) fail("invalid", "INVALID_DETACH_KEYS", `Invalid detach keys (${text}) provided`);
    return control;
  });
}

/** Looks for the detach keys in what a terminal sends, over the borders of reads. */
export class DetachKeys {
  readonly #keys: readonly number[];
  #matched = 0;

  constructor(keys: readonly number[]) {
    this.#keys = keys;
  }

  /**
   * @returns the bytes to hand on, and whether the sequence was completed. Bytes that may be its beginning are held back
   * until the next ones show what they are.
   */
  push(chunk: Uint8Array): { forward: Uint8Array; detached: boolean } {
    const out: number[] = [];
    for (const byte of chunk) {
      if (byte === this.#keys[this.#matched]) {
        this.#matched++;
        if (this.#matched === this.#keys.length) return { forward: Uint8Array.from(out), detached: true };
        continue;
      }
      out.push(...this.#keys.slice(0, this.#matched));
      this.#matched = byte === this.#keys[0] ? 1 : 0;
      if (this.#matched === 0) out.push(byte);
    }
    return { forward: Uint8Array.from(out), detached: false };
  }
}
