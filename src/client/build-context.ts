import { randomBytes } from "node:crypto";
import { readFile, realpath, stat } from "node:fs/promises";
import { isAbsolute, join, relative, resolve } from "node:path";
import { compileIgnore, parseIgnoreFile } from "../base/dockerignore.ts";
import { errnoOf, fail, messageOf } from "../base/errors.ts";
import { packTree } from "./pack-tree.ts";

/** A directory to build from, as it is sent: what .dockerignore keeps out is never read. */
export interface DirectoryContext {
  readonly archive: AsyncIterable<Uint8Array>;
  /** Path in the archive. */
  readonly dockerfile: string;
}

/** Where the Dockerfile comes from: a path, which need not be in the directory, or its text. */
export type DockerfileSource = { readonly path: string } | { readonly text: string };

const IGNORE_FILE = ".dockerignore";
const DEFAULT_DOCKERFILE = "Dockerfile";

/**
 * Opens a directory as a build context. A Dockerfile that is not in it is sent along under a name that no step sees.
 * @throws not-found `CONTEXT_NOT_FOUND`, `DOCKERFILE_NOT_FOUND`; invalid for a pattern of .dockerignore that is none
 */
export async function openDirectoryContext(place: string, source?: DockerfileSource): Promise<DirectoryContext> {
  const root = await existingDirectory(place);
  const dockerfile = await findDockerfile(root, source);
  const ignoreText = await readIgnoreFile(root);
  const patterns = parseIgnoreFile(ignoreText);
  const isIgnored = compileIgnore(patterns);
  // The engine needs both, even where no step may see them; it takes them away itself.
  const always = new Set([IGNORE_FILE, dockerfile.path]);
  const archive = packTree(root, {
    rootName: "",
    ownedByRoot: true,
    includes: (path) => always.has(path) || !isIgnored(path),
    entersExcluded: patterns.some((pattern) => pattern.startsWith("!")) || dockerfile.path.includes("/"),
    additions:
      dockerfile.text === undefined ? undefined : foreignDockerfile(dockerfile.path, dockerfile.text, ignoreText),
  });
  return { archive, dockerfile: dockerfile.path };
}

interface Dockerfile {
  /** In the context. */
  readonly path: string;
  /** Its text, when the context does not have it. */
  readonly text?: string;
}

async function findDockerfile(root: string, source: DockerfileSource | undefined): Promise<Dockerfile> {
  if (source && "text" in source) return { path: hiddenName(), text: source.text };
  const name = source?.path ?? DEFAULT_DOCKERFILE;
  // As Docker: relative to where we are, or else to the context.
  const found = (source && (await realPathOrNull(resolve(name)))) ?? (await realPathOrNull(resolve(root, name)));
  if (found === null) {
    return fail(
      "not-found",
      "DOCKERFILE_NOT_FOUND",
      `unable to prepare context: unable to evaluate symlinks in Dockerfile path: lstat ${resolve(root, name)}: no such file or directory`,
    );
  }
  const inside = relative(root, found);
  if (!inside.startsWith("..") && !isAbsolute(inside)) return { path: inside };
  return { path: hiddenName(), text: await readFile(found, "utf8") };
}

async function realPathOrNull(path: string): Promise<string | null> {
  try {
    return await realpath(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return null;
    throw error;
  }
}

/** Puts the text into the context, and into the ignore file that no step may see it. */
function foreignDockerfile(path: string, text: string, ignoreText: string): ReadonlyMap<string, string> {
  const ignored = ignoreText === "" ? [IGNORE_FILE, path] : [ignoreText, path];
  return new Map([
    [path, text],
    [IGNORE_FILE, `${ignored.join("\n")}\n`],
  ]);
}

async function existingDirectory(place: string): Promise<string> {
  const found = await stat(place).catch(() => null);
  if (!found) {
    return fail("not-found", "CONTEXT_NOT_FOUND", `unable to prepare context: path ${JSON.stringify(place)} not found`);
  }
  if (!found.isDirectory()) {
    const text = `unable to prepare context: context must be a directory: ${resolve(place)}`;
    return fail("invalid", "CONTEXT_NOT_DIRECTORY", text);
  }
  return realpath(place);
}

async function readIgnoreFile(root: string): Promise<string> {
  try {
    return await readFile(join(root, IGNORE_FILE), "utf8");
  } catch (cause) {
    if (errnoOf(cause) === "ENOENT") return "";
    return fail("invalid", "UNREADABLE_IGNORE_FILE", `cannot read ${IGNORE_FILE} of the context: ${messageOf(cause)}`, {
      cause,
    });
  }
}

function hiddenName(): string {
  return `.dockerfile.${randomBytes(10).toString("hex")}`;
}
