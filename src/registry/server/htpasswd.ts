import { createHmac, randomBytes } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { fail } from "../../base/errors.ts";

/** A password once found right is not hashed again for so long: clients send it with every request. */
const REMEMBERED_MS = 60_000;
const MOST_REMEMBERED = 10_000;

/** Verifies passwords against a file in Apache's format, of which only bcrypt entries count (`htpasswd -B`), as in Docker's registry. */
export class Htpasswd {
  #entries: ReadonlyMap<string, string>;
  #modifiedMs: number;
  /** Only hashes under a key of this process: nothing that could be stolen stays in memory. */
  readonly #key = randomBytes(32);
  readonly #remembered = new Map<string, number>();

  private constructor(private readonly path: string) {
    this.#modifiedMs = statSync(path).mtimeMs;
    this.#entries = parseHtpasswd(readFileSync(path, "utf8"));
  }

  /** @throws invalid `HTPASSWD` for a file that does not read */
  static open(path: string): Htpasswd {
    try {
      return new Htpasswd(path);
    } catch (cause) {
      return fail(
        "invalid",
        "HTPASSWD",
        `cannot use the password file ${path}: make one with "htpasswd -B -c ${path} USER"`,
        { cause },
      );
    }
  }

  knows(username: string): boolean {
    this.#refresh();
    return this.#entries.has(username);
  }

  async verify(username: string, password: string): Promise<boolean> {
    this.#refresh();
    const hash = this.#entries.get(username);
    const proof = createHmac("sha256", this.#key)
      .update(JSON.stringify([username, password, hash]))
      .digest("base64");
    if ((this.#remembered.get(proof) ?? 0) > Date.now()) return true;
    // Unknown names take as long as wrong passwords, so that time does not tell them apart.
    const isRight = await isPassword(password, hash ?? UNKNOWN_USER);
    if (!isRight || hash === undefined) return false;
    if (this.#remembered.size >= MOST_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(proof, Date.now() + REMEMBERED_MS);
    return true;
  }

  /** A changed file counts from the next request on. */
  #refresh(): void {
    const modifiedMs = statSync(this.path, { throwIfNoEntry: false })?.mtimeMs ?? this.#modifiedMs;
    if (modifiedMs === this.#modifiedMs) return;
    this.#modifiedMs = modifiedMs;
    this.#entries = parseHtpasswd(readFileSync(this.path, "utf8"));
  }
}

/** Of a random password that was forgotten at once. */
const UNKNOWN_USER = "$2b$10$oxGhUPFxJbokW5Rqr1ip9ORuGR4LwP4uKms/5aVUfRtJfCNXm.7xu";

/** Users with their bcrypt hashes. */
export function parseHtpasswd(text: string): Map<string, string> {
  const entries = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const match = /^([^:#\s][^:]*):(\$2[aby]\$\d\d\$[./A-Za-z0-9]{53})\s*$/.exec(line);
    if (match?.[1] && match[2]) entries.set(match[1], match[2]);
  }
  return entries;
}

/**
 * By the runtime and not an npm library: bcrypt in JavaScript stops the whole registry for the 110 ms that a password of
 * cost 10 takes (measured), the runtime's own does it beside the event loop.
 */
function isPassword(password: string, hash: string): Promise<boolean> {
  return Bun.password.verify(password === "" ? "\0" : password, hash, "bcrypt").catch(() => false);
}
