import { randomUUID } from "node:crypto";
import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { errnoOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { emptyDirectory } from "./archive.ts";

/**
 * How long after a thing was discarded the deleting begins: a helper for each of many containers that come and go would cost
 * their starts more than the space is worth for that moment.
 */
const DELAY_MS = 500;

/**
 * Where things go that nobody waits to see deleted. A thing is out of its place when `discard` returns; a helper process
 * deletes it at leisure, and what an engine that was killed left behind goes with the next engine's start.
 */
export class Trash {
  #running: Promise<void> | null = null;
  #more = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  private constructor(
    private readonly directory: string,
    private readonly log: Log,
  ) {}

  /** @param directory on the file system of all that will be discarded; made where it is missing. */
  static open(directory: string, log: Log): Trash {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const trash = new Trash(directory, log);
    trash.#empty();
    return trash;
  }

  /** Moves a file or directory away, atomically. One that is not there is no error. */
  discard(path: string): void {
    try {
      renameSync(path, join(this.directory, randomUUID()));
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return;
      throw error;
    }
    this.#timer ??= setTimeout(() => this.#empty(), DELAY_MS);
  }

  /** Resolves when all that was discarded so far is deleted. */
  async settled(): Promise<void> {
    if (this.#timer) this.#empty();
    while (this.#running) await this.#running;
  }

  #empty(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#more = true;
    this.#running ??= this.#work().finally(() => {
      this.#running = null;
    });
  }

  async #work(): Promise<void> {
    while (this.#more) {
      this.#more = false;
      try {
        await emptyDirectory(this.directory);
      } catch (error) {
        // It stays in the trash; the next discard or start tries again.
        this.log("warn", "cannot empty the trash", { directory: this.directory, error });
      }
    }
  }
}
