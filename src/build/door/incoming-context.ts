import { createHash } from "node:crypto";
import { fail } from "../../base/errors.ts";
import type { FileEntry } from "../buildkit/file-stat.ts";
import type { HeldDirectory } from "../buildkit/local-directories.ts";
import type { KeptFile } from "../buildkit/local-directory.ts";
import { DirectoryFiles } from "../context/directory-files.ts";
import type { SourceFiles } from "../graph/source-files.ts";
import type { PieceReader } from "./pieces.ts";

/** More than the largest monorepo; each entry costs memory of the engine. */
const MAX_ENTRIES = 2_000_000;

/**
 * A client's directory on its way: first all names, then the contents of those files that are not here as they are there
 * (by size, time and mode, as with BuildKit), then it can be built from.
 */
export class IncomingContext implements AsyncDisposable {
  readonly #named = new Map<string, FileEntry["kind"]>();
  readonly #missing: FileEntry[] = [];
  readonly #links: FileEntry[] = [];

  constructor(
    readonly name: string,
    private readonly held: HeldDirectory,
  ) {}

  /** Paths of the files whose contents are wanted, in the order in which they are wanted. */
  get missing(): string[] {
    return this.#missing.map(({ path }) => path);
  }

  /** @throws invalid for a name that is not clean, comes twice or before its directory. */
  async add(entry: FileEntry): Promise<void> {
    const { path, kind } = entry;
    if (this.#named.size >= MAX_ENTRIES) {
      fail("invalid", "CONTEXT_TOO_LARGE", `the build context has more than ${MAX_ENTRIES} files`);
    }
    assertClean(path);
    const above = path.lastIndexOf("/");
    // Never through a link, and never below what is no directory: this is what keeps every write inside.
    if (above >= 0 && this.#named.get(path.slice(0, above)) !== "directory") {
      fail("invalid", "CONTEXT_ORDER", `the build context has ${path} before its directory`);
    }
    if (this.#named.has(path)) fail("invalid", "CONTEXT_ORDER", `the build context has ${path} twice`);
    this.#named.set(path, kind);
    const { directory } = this.held;
    if (isSame(directory.get(path), entry)) return;
    if (kind === "hardlink") {
      assertClean(entry.linkName);
      this.#links.push(entry);
    } else {
      await directory.put(entry);
      if (kind === "file") this.#missing.push(entry);
    }
  }

  /** Takes the contents, then settles links and what is gone. @returns bytes received. */
  async receive(reader: PieceReader): Promise<number> {
    const { directory } = this.held;
    let received = 0;
    for (const entry of this.#missing) {
      const file = await directory.create(entry);
      try {
        const hash = createHash("sha256");
        let size = 0;
        for await (const bytes of reader.next()) {
          hash.update(bytes);
          size += bytes.length;
          await file.write(bytes);
        }
        await file.finish(size, size > 0 ? hash.digest("hex") : "");
        received += size;
      } finally {
        await file.close();
      }
    }
    for (const entry of this.#links) {
      const target = directory.get(entry.linkName);
      if (target?.kind !== "file" || !this.#named.has(entry.linkName)) {
        fail("invalid", "CONTEXT_BROKEN_LINK", `the build context's hard link ${entry.path} leads to no file`);
      }
      await directory.link(entry, target);
    }
    await directory.settle(this.#named);
    return received;
  }

  files(): SourceFiles {
    const { directory } = this.held;
    return new DirectoryFiles(directory.tree(), directory.path, async () => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.held[Symbol.asyncDispose]();
  }
}

function assertClean(path: string): void {
  const isClean = path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
  if (!isClean || path.includes("\0")) {
    fail("invalid", "CONTEXT_UNSAFE_NAME", `the build context's entry ${JSON.stringify(path)} is not clean`);
  }
}

function isSame(kept: KeptFile | undefined, entry: FileEntry): boolean {
  return (
    kept !== undefined &&
    kept.kind === entry.kind &&
    kept.mode === entry.mode &&
    kept.linkName === entry.linkName &&
    kept.modTime === entry.modTime &&
    (entry.kind !== "file" || kept.size === entry.size)
  );
}
