import { type FSWatcher, watch } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { errnoOf } from "../base/errors.ts";
import type { Nanoseconds } from "../base/timestamp.ts";

/** One entry of a json-file log: a line with its newline, or a part of a line longer than 16 KiB. */
export interface LogEntry {
  readonly log: string;
  readonly stream: "stdout" | "stderr";
  /** RFC 3339 with nanoseconds. */
  readonly time: string;
}

export interface ReadLogOptions {
  /** The last n entries only; `undefined` is all. */
  readonly tail?: number;
  /** Goes on until `ended` says that nothing more will be written, or the signal. */
  readonly follow?: { readonly ended: Promise<unknown>; readonly abort: AbortSignal };
}

const BLOCK_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

/**
 * Reads a json-file log and its rotated predecessors (`path.2`, `path.1`, `path`) oldest first, in batches as they come
 * from the disk. Following waits for the file system's own notice (inotify), not for a clock, and goes on over rotation.
 */
export async function* readLog(path: string, options: ReadLogOptions): AsyncGenerator<LogEntry[]> {
  const { follow } = options;
  const changes = follow ? new FileChanges(path, follow) : null;
  try {
    const files = await openAll(path);
    try {
      yield* readBacklog(files, options.tail);
      const current = files.at(-1);
      if (changes) yield* followFrom(path, current, changes);
    } finally {
      await Promise.all(files.map(({ handle }) => handle.close()));
    }
  } finally {
    changes?.close();
  }
}

interface OpenLog {
  readonly handle: FileHandle;
  readonly inode: number;
  /** Where the next read begins. */
  position: number;
  /** What is read into, again and again: a follower is woken by every write. */
  readonly block: Buffer;
}

async function openAll(path: string): Promise<OpenLog[]> {
  const files: OpenLog[] = [];
  const current = await openLog(path);
  if (current) files.push(current);
  for (let number = 1; ; number++) {
    const older = await openLog(`${path}.${number}`);
    if (!older) return files;
    // A rotation in between has made the file that we have just opened the next older one.
    if (files.some(({ inode }) => inode === older.inode)) await older.handle.close();
    else files.unshift(older);
  }
}

async function openLog(path: string): Promise<OpenLog | undefined> {
  try {
    const handle = await open(path, "r");
    return { handle, inode: (await handle.stat()).ino, position: 0, block: Buffer.allocUnsafe(BLOCK_BYTES) };
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function* readBacklog(files: readonly OpenLog[], tail: number | undefined): AsyncGenerator<LogEntry[]> {
  if (tail !== undefined) await skipToTail(files, tail);
  for (const file of files) yield* readToEnd(file);
}

/** Moves the files' positions so that `count` entries remain, reading backwards only as far as needed. */
async function skipToTail(files: readonly OpenLog[], count: number): Promise<void> {
  let wanted = count;
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  for (const file of [...files].reverse()) {
    const { size } = await file.handle.stat();
    file.position = size;
    // The last byte ends the last entry, so the newline before entry n from the end is newline n+1.
    for (let end = size; end > 0 && wanted > 0; ) {
      const start = Math.max(0, end - BLOCK_BYTES);
      const { bytesRead } = await file.handle.read(block, 0, end - start, start);
      let at = bytesRead;
      while (wanted > 0) {
        at = block.lastIndexOf(NEWLINE, at - 1);
        if (at < 0 || at >= bytesRead) break;
        if (start + at + 1 < size) {
          wanted--;
          if (wanted === 0) file.position = start + at + 1;
        }
        if (at === 0) break;
      }
      end = start;
      if (end === 0 && wanted > 0) {
        file.position = 0;
        if (size > 0) wanted--;
      }
    }
  }
}

async function* readToEnd(file: OpenLog): AsyncGenerator<LogEntry[]> {
  const { handle, block } = file;
  const pieces: Buffer[] = [];
  for (let isAtEnd = false; !isAtEnd; ) {
    const { bytesRead } = await handle.read(block, 0, BLOCK_BYTES, file.position);
    isAtEnd = bytesRead < BLOCK_BYTES;
    if (bytesRead === 0) break;
    const end = block.lastIndexOf(NEWLINE, bytesRead - 1) + 1;
    file.position += bytesRead;
    const whole = end === 0 ? null : Buffer.concat([...pieces.splice(0), block.subarray(0, end)]);
    if (end < bytesRead) pieces.push(Buffer.from(block.subarray(end, bytesRead)));
    if (whole) yield parseEntries(whole);
  }
  // What has no newline yet is read again when its end is there.
  for (const piece of pieces) file.position -= piece.length;
}

function parseEntries(lines: Buffer): LogEntry[] {
  const entries: LogEntry[] = [];
  for (const line of lines.toString("utf8").split("\n")) {
    if (line === "") continue;
    try {
      entries.push(JSON.parse(line) as LogEntry);
    } catch {
      // A line that a power cut left half written: what stands around it is still good.
    }
  }
  return entries;
}

async function* followFrom(path: string, start: OpenLog | undefined, changes: FileChanges): AsyncGenerator<LogEntry[]> {
  let current = start;
  try {
    for (;;) {
      const last = changes.isOver;
      const before = current?.position;
      if (current) yield* readToEnd(current);
      if (current?.position !== before) changes.lookAgain();
      const inode = changes.takeRenamed() || !current || last ? await inodeOf(path) : current.inode;
      if (inode !== undefined && inode !== current?.inode) {
        // What was written between the last read and the rotation.
        if (current) yield* readToEnd(current);
        if (current && current !== start) await current.handle.close();
        current = await openLog(path);
        continue;
      }
      if (last) return;
      await changes.next();
    }
  } finally {
    if (current && current !== start) await current.handle.close();
  }
}

async function inodeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).ino;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * Bun's watcher takes a notice that follows the last one within a few milliseconds for its repetition, and drops it
 * (measured: most of those after 1 ms, none after 8). So after each change there is one more look, when they may be over.
 */
const SETTLE_MS = 20;

/** Notices of writes to one file, merged while nobody waits for them; `isOver` once no more will come. */
class FileChanges {
  readonly #watcher: FSWatcher;
  readonly #abort: AbortSignal;
  readonly #stop = () => this.#end();
  #settling: NodeJS.Timeout | undefined;
  #changed = false;
  #renamed = false;
  #wake: () => void = () => {};
  isOver = false;

  constructor(path: string, follow: { ended: Promise<unknown>; abort: AbortSignal }) {
    const name = basename(path);
    // The directory, not the file: rotation renames the file away.
    this.#watcher = watch(dirname(path), (event, changed) => {
      if (changed !== null && changed !== name) return;
      if (event === "rename") this.#renamed = true;
      this.#notice();
      this.lookAgain();
    });
    this.#abort = follow.abort;
    follow.ended.then(this.#stop, this.#stop);
    if (follow.abort.aborted) this.#end();
    else follow.abort.addEventListener("abort", this.#stop, { once: true });
  }

  async next(): Promise<void> {
    if (!this.#changed) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#changed = false;
  }

  /** Notices once more what comes right after a change. */
  lookAgain(): void {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      this.#renamed = true;
      this.#notice();
    }, SETTLE_MS);
  }

  /** Whether the name may stand for another file than at the last question. */
  takeRenamed(): boolean {
    const renamed = this.#renamed;
    this.#renamed = false;
    return renamed;
  }

  close(): void {
    clearTimeout(this.#settling);
    this.#watcher.close();
    this.#abort.removeEventListener("abort", this.#stop);
  }

  #end(): void {
    this.isOver = true;
    this.#notice();
  }

  #notice(): void {
    this.#changed = true;
    this.#wake();
  }
}

/** Nanoseconds of an RFC 3339 time as the log has it. */
export function entryTime(entry: LogEntry): Nanoseconds {
  const [, seconds = "", fraction = ""] = /^(.{19})(?:\.(\d{1,9}))?Z$/.exec(entry.time) ?? [];
  return BigInt(Date.parse(`${seconds}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
}
