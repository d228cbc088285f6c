import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fail, messageOf } from "./errors.ts";

/** The small C programs beside the TypeScript; each is one file that needs nothing else on the machine. */
export type NativeProgram = "lighter-shim" | "lighter-archive" | "lighter-seccomp";

/** Where a compiled program keeps its own modules; nothing there can be executed by the kernel. */
const EMBEDDED_ROOT = "/$bunfs/";

const compiled = import.meta.dir.startsWith(EMBEDDED_ROOT);

/** What the build made, when run from the source tree. */
const TREE = join(import.meta.dir, "../../dist/native");

/** What `--asset dist/native` put beside the modules, when run as the compiled program. */
const EMBEDDED = join(import.meta.dir, "native");

let unpackDirectory: string | undefined;
const unpacked = new Map<NativeProgram, string>();

/** Says where a compiled program may write its helpers out: `<run>/bin`, once, before the first {@link nativePath}. */
export function setNativeDirectory(directory: string): void {
  unpackDirectory = directory;
}

/**
 * The file to execute. The source tree's own build is used as it is; a compiled program writes its copy out on first
 * use, under a name with its hash, so that engines of several versions can share a directory and a shim that outlives
 * an upgrade keeps its file.
 * @throws internal `NATIVE_MISSING` where the tree has not been built, `NATIVE_UNPACK` where the copy cannot be written.
 */
export function nativePath(name: NativeProgram): string {
  if (!compiled) return builtPath(name);
  const known = unpacked.get(name);
  if (known) return known;
  if (!unpackDirectory) fail("internal", "NATIVE_UNPACK", `${name}: no directory was set to write it to`);
  const path = unpackProgram(readFileSync(join(EMBEDDED, name)), name, unpackDirectory);
  unpacked.set(name, path);
  return path;
}

function builtPath(name: NativeProgram): string {
  const path = join(TREE, name);
  if (!existsSync(path)) fail("internal", "NATIVE_MISSING", `${path} has not been built: run "npm run build"`);
  return path;
}

/**
 * Writes a program to `<directory>/<name>-<hash>`, executable by its owner alone, and returns the path. Many processes
 * may do so at once: each renames a whole file into place, and a file that is there already is left as it is.
 */
export function unpackProgram(bytes: Uint8Array, name: string, directory: string): string {
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  const path = join(directory, `${name}-${hash}`);
  if (existsSync(path)) return path;
  const temporary = `${path}.${process.pid}`;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(temporary, bytes);
    chmodSync(temporary, 0o500);
    renameSync(temporary, path);
  } catch (error) {
    fail("internal", "NATIVE_UNPACK", `cannot write ${path}: ${messageOf(error)}`, { cause: error });
  }
  return path;
}
