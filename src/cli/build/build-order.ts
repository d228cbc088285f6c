import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, isAbsolute, join, relative, resolve } from "node:path";
import { compileIgnore, parseIgnoreFile } from "../../base/dockerignore.ts";
import { errnoOf } from "../../base/errors.ts";
import { readText } from "../../client/api.ts";
import type { SentDirectory } from "../../client/build/run-build.ts";
import { isArchive, isRemote, peek, stdinText } from "./build-context.ts";

/** Where the files come from, as the order of a build says it. */
export interface BuildSources {
  readonly dockerfile: { readonly text: string; readonly ignore: string | null } | null;
  readonly fileName: string;
  readonly contextUrl: string;
  readonly namedContexts: Readonly<Record<string, string>>;
  readonly directories: readonly SentDirectory[];
  readonly archive?: AsyncIterable<Uint8Array>;
}

/**
 * Finds the context: a directory, `-` for an archive or a Dockerfile on standard input, or an address; and the Dockerfile,
 * which may be anywhere. Of the ignore files the Dockerfile's own (`<Dockerfile>.dockerignore`) wins over the context's.
 * @throws Error when directory or Dockerfile are not there
 */
export async function findSources(
  place: string,
  file: string | undefined,
  contexts: readonly string[],
): Promise<BuildSources> {
  const named = contexts.map(parseNamedContext);
  const namedContexts = Object.fromEntries(named.map(({ name, source }) => [name, source]));
  const others = await Promise.all(named.flatMap(({ directory }) => (directory ? [namedDirectory(directory)] : [])));
  const base = { namedContexts, directories: others };
  if (isRemote(place)) return { ...base, dockerfile: null, fileName: file ?? "", contextUrl: place };
  if (place === "-") return { ...base, ...(await fromStdin(file)) };
  const path = resolve(place);
  const dockerfile = await findDockerfile(path, file);
  const ignore = dockerfile.ignore ?? (await textOrNull(join(path, ".dockerignore")));
  return {
    ...base,
    contextUrl: "",
    fileName: dockerfile.name,
    dockerfile: { text: dockerfile.text, ignore: null },
    directories: [sentDirectory("context", path, ignore), ...others],
  };
}

async function fromStdin(file: string | undefined): Promise<Omit<BuildSources, "namedContexts" | "directories">> {
  if (file === "-") throw new Error("invalid argument: can't use stdin for both build context and dockerfile");
  const { start, stream } = await peek(Bun.stdin.stream());
  if (isArchive(start)) return { dockerfile: null, fileName: file ?? "", contextUrl: "", archive: stream };
  const text = await readText(stream);
  if (text === "")
    throw new Error("unable to prepare context: standard input is empty: expected an archive or a Dockerfile");
  return { dockerfile: { text, ignore: null }, fileName: "Dockerfile", contextUrl: "" };
}

async function findDockerfile(
  context: string,
  file: string | undefined,
): Promise<{ name: string; text: string; ignore: string | null }> {
  if (file === "-") return { name: "Dockerfile", text: await stdinText(), ignore: null };
  const names = file === undefined ? ["Dockerfile", "dockerfile"] : [file];
  // As Docker: relative to where we are, or else to the context.
  const places = names.flatMap((name) =>
    file === undefined ? [join(context, name)] : [resolve(name), resolve(context, name)],
  );
  for (const path of places) {
    const text = await textOrNull(path);
    if (text === null) continue;
    const inside = relative(context, path);
    const name = inside.startsWith("..") || isAbsolute(inside) ? basename(path) : inside;
    return { name, text, ignore: await textOrNull(`${path}.dockerignore`) };
  }
  throw new Error(`failed to read dockerfile: open ${places.at(-1)}: no such file or directory`);
}

async function textOrNull(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return null;
    throw error;
  }
}

function sentDirectory(name: string, path: string, ignore: string | null): SentDirectory {
  const patterns = parseIgnoreFile(ignore ?? "");
  return {
    name,
    path,
    isIgnored: compileIgnore(patterns),
    entersIgnored: patterns.some((pattern) => pattern.startsWith("!")),
  };
}

async function namedDirectory({ name, path }: { name: string; path: string }): Promise<SentDirectory> {
  return sentDirectory(name, path, await textOrNull(join(path, ".dockerignore")));
}

/** `name=directory`, or `name=` and an image, an address or a repository. */
function parseNamedContext(text: string) {
  const equals = text.indexOf("=");
  const name = text.slice(0, equals);
  const value = text.slice(equals + 1);
  if (equals < 1 || value === "") throw new Error(`invalid context value: ${text}, expected key=value`);
  if (isRemote(value) || /^(?:docker-image|oci-layout):\/\//.test(value))
    return { name, source: value, directory: null };
  const local = `context:${name}`;
  return { name, source: `local:${local}`, directory: { name: local, path: resolve(value) } };
}

/** `--secret id=token,src=file` or `,env=NAME`: values in base64 by id. */
export function readSecrets(flags: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    flags.map((flag) => {
      const fields = parseFields(flag);
      const id = fields.get("id");
      if (!id) throw new Error(`invalid secret: ${flag}: id is required`);
      const variable = fields.get("env") ?? (fields.get("type") === "env" ? id : undefined);
      const path = fields.get("src") ?? fields.get("source");
      const value =
        path !== undefined || variable === undefined
          ? readFileSync(path ?? id)
          : Buffer.from(process.env[variable] ?? "");
      return [id, value.toString("base64")];
    }),
  );
}

/** `--ssh default` is the agent's own socket, `--ssh id=path` another. */
export function readAgents(flags: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    flags.map((flag) => {
      const [id = "", path] = flag.split("=", 2);
      const socket = path ?? process.env.SSH_AUTH_SOCK;
      if (!socket) throw new Error("invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set");
      return [id, resolve(socket)];
    }),
  );
}

export interface OutputFlag {
  readonly type: "image" | "docker" | "oci" | "tar" | "local";
  /** A file or directory; `-` is standard output; empty for the image store. */
  readonly destination: string;
  readonly names: readonly string[];
}

/** `type=local,dest=out`, a bare directory, or `-` for an archive of the files on standard output. */
export function parseOutput(text: string): OutputFlag {
  if (!text.includes("=")) return { type: text === "-" ? "tar" : "local", destination: text, names: [] };
  const fields = parseFields(text);
  const type = fields.get("type") ?? "";
  const destination = fields.get("dest") ?? fields.get("destination") ?? "";
  const names = (fields.get("name") ?? "").split(",").filter(Boolean);
  switch (type) {
    case "image":
      return { type, destination, names };
    case "docker":
      return destination === "" ? { type: "image", destination, names } : { type, destination, names };
    case "oci":
    case "tar":
      return { type, destination: destination || "-", names };
    case "local":
      if (destination === "") throw new Error("dest is required for local output");
      return { type, destination, names };
    default:
      throw new Error(`unsupported output type ${JSON.stringify(type)} (expected image, docker, oci, tar or local)`);
  }
}

function parseFields(text: string): Map<string, string> {
  return new Map(
    text.split(",").map((field): [string, string] => {
      const equals = field.indexOf("=");
      if (equals < 0) throw new Error(`invalid field '${field}' must be a key=value pair`);
      return [field.slice(0, equals).trim().toLowerCase(), field.slice(equals + 1)];
    }),
  );
}
