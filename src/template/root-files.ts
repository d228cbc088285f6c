import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ImageRunConfig } from "../image/config.ts";
import type { Image } from "../image/image-store.ts";
import { importImage } from "../image/import.ts";
import type { Reference } from "../image/reference.ts";
import { exportTar } from "../snapshot/archive.ts";
import { PATH_VARIABLE, type TemplateParts } from "./template.ts";

/** A directory in which a root is put together; gone when it is disposed of. */
export async function temporaryRoot(parts: TemplateParts): Promise<AsyncDisposable & { readonly path: string }> {
  await mkdir(parts.temporary, { recursive: true, mode: 0o700 });
  const directory = await mkdtemp(join(parts.temporary, "template-"));
  const path = join(directory, "root");
  await mkdir(path, { mode: 0o755 });
  return { path, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
}

/** Writes a file of a root with exactly that mode, and the directories above it. */
export async function writeRootFile(root: string, path: string, content: string, mode = 0o644): Promise<void> {
  const file = join(root, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
  // The process's umask has taken something away.
  await chmod(file, mode);
}

/**
 * Makes an image of a finished root. No time in it is later than `newestMs`, so that the same content is the same image
 * whenever it is made.
 */
export function rootImage(
  parts: TemplateParts,
  root: string,
  options: {
    tags: readonly Reference[];
    config: ImageRunConfig;
    newestMs: number;
    recipe: string;
    signal?: AbortSignal;
  },
): Promise<Image> {
  const newestSeconds = Math.floor(options.newestMs / 1000);
  return importImage(parts.layers, parts.images, {
    source: exportTar({ kind: "directory", path: root }, { newestSeconds, signal: options.signal }),
    config: { Env: [PATH_VARIABLE], ...options.config },
    comment: "",
    createdBy: options.recipe,
    created: new Date(newestSeconds * 1000).toISOString().replace(".000Z", "Z"),
    tags: options.tags,
    signal: options.signal,
  });
}
