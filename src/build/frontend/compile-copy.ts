import { createHash } from "node:crypto";
import { posix } from "node:path";
import { fail } from "../../base/errors.ts";
import { parseDigest } from "../../image/digest.ts";
import type { Heredoc } from "../dockerfile/heredoc.ts";
import type { InstructionOf } from "../dockerfile/instruction.ts";
import { isHttpUrl, parseGitUrl } from "../git-url.ts";
import type { CopyChange, Edge, FileAction } from "../graph/operation.ts";
import { vertexOf } from "../graph/vertex.ts";
import { hasWildcard } from "../path-match.ts";
import { joinPath, shellOf } from "./change-config.ts";
import { type Compilation, describe, oneLine, type StagePlace } from "./compilation.ts";
import type { HistoryStep, StageState } from "./stage-state.ts";

type CopyInstruction = InstructionOf<"ADD" | "COPY">;

/** Something that an instruction copies: a path in an edge's files. */
interface Source {
  readonly edge: Edge | null;
  readonly path: string;
  readonly unpacks: boolean;
  /** A pattern, and a path that `--exclude` and `--parents` are about. */
  readonly isNamed: boolean;
}

/** COPY and ADD: files of the context, of another stage or image, of the Dockerfile itself, of a URL or a repository. */
export async function compileCopy(
  compilation: Compilation,
  place: StagePlace,
  state: StageState,
  instruction: CopyInstruction,
): Promise<HistoryStep> {
  const { kind, destination } = instruction;
  const sources = await sourcesOf(compilation, instruction);
  const isDirectory = /(?:^|\/)\.{0,2}$/.test(destination);
  if (sources.length === 0) fail("invalid", "COPY_NOTHING", `${kind} failed: no source files were specified`);
  if (sources.length > 1 && !isDirectory) {
    fail(
      "invalid",
      "COPY_NOT_A_DIRECTORY",
      `When using ${kind} with more than one source file, the destination must be a directory and end with a /`,
    );
  }
  const target = joinPath(state.config.WorkingDir ?? "", destination);
  const whole = isDirectory && target !== "/" ? `${target}/` : target;
  // Names of users are looked up in the image: without it they mean nothing.
  const isLinked = instruction.link && state.root !== null && !namesUser(instruction.chown);
  const inputs: Edge[] = [];
  const inputOf = (edge: Edge | null) => {
    if (edge === null) return -1;
    const known = inputs.findIndex(
      ({ vertex, output }) => vertex.digest === edge.vertex.digest && output === edge.output,
    );
    return known >= 0 ? known : inputs.push(edge) - 1;
  };
  const base = isLinked ? -1 : inputOf(state.root);
  const numbered = sources.map((source) => ({ source, input: inputOf(source.edge) }));
  const actions = numbered.map(({ source, input }, at): FileAction => {
    return {
      input: at === 0 ? base : inputs.length + at - 1,
      secondaryInput: input,
      output: at === numbered.length - 1 ? 0 : -1,
      change: copyChange(instruction, source, whole, compilation.request.isClassic ?? false),
    };
  });
  const text = oneLine(instruction.code);
  const description = describe(compilation, place, instruction, text);
  const copied = vertexOf({ kind: "file", actions }, inputs, description);
  const vertex =
    isLinked && state.root !== null
      ? vertexOf({ kind: "merge" }, [state.root, { vertex: copied, output: 0 }], {
          ...description,
          name: `${description.name} (merge)`,
        })
      : copied;
  return {
    createdBy: `${text} # buildkit`,
    classicCreatedBy: (hashes) => classicHistory(state, instruction, hashes),
    vertex,
  };
}

function namesUser(chown: string | null): boolean {
  return chown !== null && !/^\d+(?::\d+)?$/.test(chown);
}

function copyChange(
  instruction: CopyInstruction,
  { path, unpacks, isNamed }: Source,
  destination: string,
  isClassic: boolean,
): CopyChange {
  return {
    type: "copy",
    source: path,
    destination,
    owner: instruction.chown || null,
    mode: instruction.chmod || null,
    followSymlink: true,
    directoryContents: true,
    attemptUnpack: unpacks,
    createDestinationPath: true,
    allowWildcard: isNamed,
    allowEmptyWildcard: isNamed && !isClassic && hasWildcard(path),
    include: [],
    exclude: isNamed ? instruction.exclude : [],
    parents: isNamed && instruction.parents,
    replaceDestination: false,
  };
}

async function sourcesOf(compilation: Compilation, instruction: CopyInstruction): Promise<Source[]> {
  const inline = instruction.inline.map(inlineSource);
  if (instruction.kind === "COPY" && instruction.from !== null) {
    const edge = await compilation.rootOf(instruction.from);
    return [...inline, ...instruction.sources.map((path) => ({ edge, path, unpacks: false, isNamed: true }))];
  }
  return [...inline, ...instruction.sources.map((source) => outsideSource(compilation, instruction, source))];
}

function outsideSource(compilation: Compilation, instruction: CopyInstruction, source: string): Source {
  const git = parseGitUrl(source);
  if (instruction.kind === "COPY") {
    if (isHttpUrl(source) || git) fail("invalid", "COPY_URL", "COPY failed: source can't be a URL for COPY");
    return { edge: compilation.context(), path: contextPath(compilation, source), unpacks: false, isNamed: true };
  }
  if (git) {
    const vertex = vertexOf(
      {
        kind: "source",
        source: {
          type: "git",
          ...git,
          keepGitDirectory: instruction.keepGitDir,
          checksum: instruction.checksum,
          skipSubmodules: false,
        },
      },
      [],
      { name: `[internal] git ${git.remote}` },
    );
    return { edge: { vertex, output: 0 }, path: "/", unpacks: false, isNamed: false };
  }
  if (isHttpUrl(source)) return downloadSource(instruction, source);
  return { edge: compilation.context(), path: contextPath(compilation, source), unpacks: true, isNamed: true };
}

function downloadSource(instruction: InstructionOf<"ADD">, url: string): Source {
  const { pathname } = new URL(url);
  const isDirectory = instruction.destination.endsWith("/");
  const name = pathname.endsWith("/") ? "" : posix.basename(pathname);
  if (!name && isDirectory) {
    fail("invalid", "ADD_NO_NAME", `cannot determine filename for source ${url}: name the file in the destination`);
  }
  const fileName = decoded(name) || "download";
  const vertex = vertexOf(
    {
      kind: "source",
      source: {
        type: "http",
        url,
        checksum: instruction.checksum === null ? null : parseDigest(instruction.checksum),
        fileName,
        mode: null,
        uid: 0,
        gid: 0,
      },
    },
    [],
    { name: `[internal] ${url}` },
  );
  return { edge: { vertex, output: 0 }, path: `/${fileName}`, unpacks: instruction.unpack, isNamed: false };
}

/** A path with a percent sign that escapes nothing means itself. */
function decoded(name: string): string {
  try {
    return posix.basename(decodeURIComponent(name));
  } catch {
    return name;
  }
}

/** A file written in the Dockerfile itself. */
function inlineSource({ name, content }: Heredoc): Source {
  const path = `/${posix.basename(name)}`;
  const change = { type: "mkfile", path, mode: 0o644, data: new TextEncoder().encode(content), owner: null } as const;
  const actions = [{ input: -1, secondaryInput: -1, output: 0, change }];
  const vertex = vertexOf({ kind: "file", actions }, [], { name: `[internal] preparing inline document ${name}` });
  return { edge: { vertex, output: 0 }, path, unpacks: false, isNamed: false };
}

/** Relative to the context's root, whatever it begins with. The classic builder refuses what leads out; BuildKit stays at the top. */
function contextPath({ request }: Compilation, source: string): string {
  const path = posix.normalize(source.replace(/^\/+/, ""));
  if (request.isClassic && (path === ".." || path.startsWith("../"))) {
    fail("invalid", "COPY_OUTSIDE", `COPY failed: forbidden path outside the build context: ${source} ()`);
  }
  // The mark of --parents is no part of a clean path, and stays.
  return source.includes("/./") ? source : posix.resolve("/", path);
}

function classicHistory(state: StageState, instruction: CopyInstruction, hashes: readonly string[]): string {
  const { kind, chown, chmod, destination } = instruction;
  const hash = hashes.length === 1 ? hashes[0] : `multi:${createHash("sha256").update(hashes.join(",")).digest("hex")}`;
  const flags = `${chown === null ? "" : `--chown=${chown} `}${chmod === null ? "" : `--chmod=${chmod} `}`;
  return [...shellOf(state.config), `#(nop) ${kind} ${flags}${hash} in ${destination} `].join(" ");
}
