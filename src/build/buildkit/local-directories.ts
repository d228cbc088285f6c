import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { LocalDirectory } from "./local-directory.ts";

/** How many clients' directories are kept; the one that was not built from for the longest time goes first. */
const MAX_KEPT = 24;

/** A directory that a build has to itself. Disposing of it lets go; what was received stays for the next build. */
export interface HeldDirectory extends AsyncDisposable {
  readonly directory: LocalDirectory;
}

/** The directories of clients that are kept from one build to the next, each under its client's name for it. */
export class LocalDirectories {
  readonly #held = new Set<string>();

  constructor(
    private readonly path: string,
    /** For what is not kept; emptied when the engine starts. */
    private readonly temporary: string,
  ) {}

  /**
   * The directory known by a key. Where another build has it, a new one that goes with this build: it may still read there
   * what we would change.
   */
  async hold(key: string): Promise<HeldDirectory> {
    const name = createHash("sha256").update(key).digest("hex").slice(0, 32);
    if (this.#held.has(name)) return this.#holdTemporary();
    this.#held.add(name);
    try {
      await mkdir(this.path, { recursive: true, mode: 0o700 });
      const directory = await LocalDirectory.open(join(this.path, name));
      return {
        directory,
        [Symbol.asyncDispose]: async () => {
          try {
            await directory.keep();
          } finally {
            this.#held.delete(name);
          }
          await this.#forgetOldest();
        },
      };
    } catch (error) {
      this.#held.delete(name);
      throw error;
    }
  }

  /** Removes those that no build has. */
  async prune(): Promise<void> {
    for (const { name } of await this.#idle()) await this.#remove(name);
  }

  async #holdTemporary(): Promise<HeldDirectory> {
    const path = join(this.temporary, `local-${randomUUID()}`);
    const directory = await LocalDirectory.open(path);
    return { directory, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
  }

  async #forgetOldest(): Promise<void> {
    const idle = await this.#idle();
    for (const { name } of idle.slice(MAX_KEPT)) await this.#remove(name);
  }

  /** The one that was used last comes first. */
  async #idle(): Promise<{ readonly name: string; readonly usedMs: number }[]> {
    const names = await readdir(this.path).catch(() => []);
    const idle = names.filter((name) => !this.#held.has(name));
    const dated = await Promise.all(
      idle.map(async (name) => {
        const stats = await stat(join(this.path, name, "index.json")).catch(() => null);
        return { name, usedMs: stats?.mtimeMs ?? 0 };
      }),
    );
    return dated.sort((a, b) => b.usedMs - a.usedMs);
  }

  async #remove(name: string): Promise<void> {
    if (this.#held.has(name)) return;
    this.#held.add(name);
    try {
      await rm(join(this.path, name), { recursive: true, force: true });
    } finally {
      this.#held.delete(name);
    }
  }
}
