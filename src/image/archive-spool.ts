import { open } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { fail, messageOf } from "../base/errors.ts";
import type { Spooled } from "../snapshot/archive.ts";
import { type Digest, hexOf } from "./digest.ts";

/** Documents in an archive; larger ones are not what they claim to be. */
const DOCUMENT_LIMIT_BYTES = 4 * 1024 * 1024;
/** Links among the files of one archive. */
const LINK_LIMIT = 16;

/** The files of an archive, out of which nothing has been made yet. */
export class ArchiveSpool {
  readonly #files: ReadonlyMap<string, Spooled>;

  constructor(
    private readonly directory: string,
    spooled: readonly Spooled[],
  ) {
    this.#files = new Map(spooled.map((file) => [file.name, file]));
  }

  has(name: string): boolean {
    return this.#files.has(name);
  }

  pathOf(file: Spooled): string {
    return join(this.directory, String(file.file));
  }

  file(name: string): Spooled {
    let wanted = name;
    for (let links = 0; links < LINK_LIMIT; links++) {
      const found = this.#files.get(wanted);
      if (!found) break;
      if (found.kind === "file") return found;
      wanted = found.target;
    }
    return invalid(`invalid archive: ${JSON.stringify(name)} is missing in it`);
  }

  async bytes(name: string): Promise<Buffer> {
    const found = this.file(name);
    if (found.size > DOCUMENT_LIMIT_BYTES) invalid(`invalid archive: ${JSON.stringify(name)} is too large`);
    await using handle = await open(this.pathOf(found));
    return handle.readFile();
  }

  /** A blob that is what its name says. */
  async blob(digest: Digest): Promise<Buffer> {
    const name = blobName(digest);
    if (this.file(name).digest !== digest)
      invalid(`invalid archive: ${JSON.stringify(name)} is not what its name says`);
    return this.bytes(name);
  }

  async json<T>(name: string, schema: z.ZodType<T>): Promise<T> {
    return parseJson(await this.bytes(name), name, schema);
  }
}

export function parseJson<T>(bytes: Buffer, name: string, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(bytes.toString()));
  } catch (error) {
    const why = error instanceof z.ZodError ? (error.issues[0]?.message ?? "") : messageOf(error);
    return fail("invalid", "INVALID_IMAGE_ARCHIVE", `invalid archive: ${JSON.stringify(name)}: ${why}`, {
      cause: error,
    });
  }
}

export function blobName(digest: Digest): string {
  return `blobs/sha256/${hexOf(digest)}`;
}

export function invalid(message: string): never {
  fail("invalid", "INVALID_IMAGE_ARCHIVE", message);
}
