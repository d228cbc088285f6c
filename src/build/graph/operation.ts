import type { Digest } from "../../image/digest.ts";

/**
 * The build graph's words, modelled on BuildKit's LLB (moby/buildkit, solver/pb/ops.proto) so that a client's raw LLB maps
 * onto it one to one: a vertex is one operation on the outputs of others.
 */
export interface Vertex {
  /** Over the operation and, through `inputs`, all that it stands on; the vertex's name in progress. */
  readonly digest: Digest;
  readonly operation: Operation;
  readonly inputs: readonly Edge[];
  readonly description: Description;
}

/** One output of a vertex. Only an exec with several writable mounts, or a file operation, has others than 0. */
export interface Edge {
  readonly vertex: Vertex;
  readonly output: number;
}

/** What is said of a vertex. It is no part of the digest and no part of the cache key. */
export interface Description {
  /** As progress shows it: `[build 2/5] RUN make`. */
  readonly name: string;
  /** Run it although the cache has it. */
  readonly ignoreCache: boolean;
  /** Why a warning or an error belongs to a place in a file; lines count from 1. */
  readonly place?: { readonly file: string; readonly firstLine: number; readonly lastLine: number };
}

export type Operation = SourceOperation | ExecOperation | FileOperation | MergeOperation | DiffOperation;

export interface SourceOperation {
  readonly kind: "source";
  readonly source: Source;
}

export type Source = ImageSource | LocalSource | HttpSource | GitSource | OciLayoutSource;

export interface ImageSource {
  readonly type: "image";
  /** `docker.io/library/busybox:latest`, with `@sha256:…` where it is pinned. */
  readonly reference: string;
  /** `linux/amd64`; empty is this machine's. */
  readonly platform: string;
  /** `local`: never ask a registry; `pull`: always; `default`: if it is not here. */
  readonly resolve: "default" | "pull" | "local";
}

/** Files of the client's, by the name that it gave them; which of them are sent is told by patterns of `.dockerignore`'s kind. */
export interface LocalSource {
  readonly type: "local";
  readonly name: string;
  /** Empty: everything. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** Paths with wildcards to be sent with what their links lead to; empty: everything. */
  readonly follow: readonly string[];
  /** Under which name the files are kept from one build to the next. */
  readonly sharedKey: string;
}

export interface HttpSource {
  readonly type: "http";
  readonly url: string;
  readonly checksum: Digest | null;
  /** Of the one file in the result; null: from the URL or the answer. */
  readonly fileName: string | null;
  /** null is 0600. */
  readonly mode: number | null;
  readonly uid: number;
  readonly gid: number;
}

export interface GitSource {
  readonly type: "git";
  readonly remote: string;
  /** Branch, tag, `refs/…` or commit; empty is the remote's HEAD. */
  readonly ref: string;
  /** Of the repository; empty is all of it. */
  readonly subdirectory: string;
  readonly keepGitDirectory: boolean;
  /** The commit that `ref` must be. */
  readonly checksum: string | null;
  readonly skipSubmodules: boolean;
}

/** An image in an OCI layout that the client serves over its session. */
export interface OciLayoutSource {
  readonly type: "oci-layout";
  /** `name@sha256:…` */
  readonly reference: string;
  readonly store: string;
  readonly platform: string;
}

export interface ExecOperation {
  readonly kind: "exec";
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  /** `user[:group]` by name or number; empty is root. */
  readonly user: string;
  /** Empty: made up. */
  readonly hostname: string;
  /** `name:address` */
  readonly extraHosts: readonly string[];
  readonly ulimits: readonly { readonly name: string; readonly soft: number; readonly hard: number }[];
  readonly cgroupParent: string;
  /** `sandbox` (a bridge), `none`, `host`, or a network of the engine. */
  readonly network: string;
  readonly security: "sandbox" | "insecure";
  /** The one at `/` is the root; others in any order. */
  readonly mounts: readonly ExecMount[];
  /** Secrets that become variables. */
  readonly secretEnv: readonly SecretVariable[];
  /** Variables that are there but of which cache and history know nothing: proxies. */
  readonly hiddenEnv: readonly string[];
}

export interface SecretVariable {
  readonly id: string;
  readonly variable: string;
  readonly optional: boolean;
}

export type ExecMount = BindMount | CacheMount | TmpfsMount | SecretMount | SshMount;

interface MountTarget {
  /** Absolute, or relative to the working directory. */
  readonly target: string;
}

export interface BindMount extends MountTarget {
  readonly type: "bind";
  /** Number of the input; null is an empty directory. */
  readonly input: number | null;
  /** Path in the input. */
  readonly selector: string;
  readonly readonly: boolean;
  /** Number of the output that has what was written; null throws it away. */
  readonly output: number | null;
}

export interface CacheMount extends MountTarget {
  readonly type: "cache";
  readonly id: string;
  /** Several at once, each its own, or one after the other. */
  readonly sharing: "shared" | "private" | "locked";
  /** What a new one begins with. */
  readonly input: number | null;
  readonly selector: string;
  readonly readonly: boolean;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

export interface TmpfsMount extends MountTarget {
  readonly type: "tmpfs";
  /** 0 is the kernel's default. */
  readonly sizeBytes: number;
}

export interface SecretMount extends MountTarget {
  readonly type: "secret";
  readonly id: string;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  readonly optional: boolean;
}

export interface SshMount extends MountTarget {
  readonly type: "ssh";
  /** Empty is `default`. */
  readonly id: string;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  readonly optional: boolean;
}

export interface FileOperation {
  readonly kind: "file";
  readonly actions: readonly FileAction[];
}

/**
 * One change of a tree. Inputs are numbered as in LLB: first the vertex's inputs, then the actions of this operation in
 * order; -1 is an empty tree.
 */
export interface FileAction {
  readonly input: number;
  /** Whose files are copied. */
  readonly secondaryInput: number;
  /** Number of the vertex's output that this is; -1: it only serves later actions. */
  readonly output: number;
  readonly change: FileChange;
}

export type FileChange = CopyChange | MakeDirectory | MakeFile | RemovePath | MakeLink;

/** `user[:group]`, numbers or names of the tree that is changed (LLB: names of another input's, which is that tree in practice). */
export type Owner = string;

export interface CopyChange {
  readonly type: "copy";
  readonly source: string;
  /** One that ends in a slash is a directory. */
  readonly destination: string;
  /** null keeps the source's. */
  readonly owner: Owner | null;
  /** Octal digits, or a symbolic mode as of chmod(1); null keeps the source's. */
  readonly mode: string | null;
  readonly followSymlink: boolean;
  /** A directory's content, not the directory. */
  readonly directoryContents: boolean;
  /** A file that is a tar archive is unpacked. */
  readonly attemptUnpack: boolean;
  readonly createDestinationPath: boolean;
  readonly allowWildcard: boolean;
  readonly allowEmptyWildcard: boolean;
  /** Patterns of what to copy below the source; empty: everything. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** Keep the source's directories below the destination; a `/./` in the source marks where they begin (COPY --parents). */
  readonly parents: boolean;
  /** A directory at the destination gives way to a file and the reverse, instead of a failure. */
  readonly replaceDestination: boolean;
}

export interface MakeDirectory {
  readonly type: "mkdir";
  readonly path: string;
  readonly mode: number;
  readonly makeParents: boolean;
  readonly owner: Owner | null;
}

export interface MakeFile {
  readonly type: "mkfile";
  readonly path: string;
  readonly mode: number;
  readonly data: Uint8Array;
  readonly owner: Owner | null;
}

export interface RemovePath {
  readonly type: "rm";
  readonly path: string;
  readonly allowNotFound: boolean;
  readonly allowWildcard: boolean;
}

export interface MakeLink {
  readonly type: "symlink";
  /** What the link says. */
  readonly oldPath: string;
  readonly newPath: string;
  readonly owner: Owner | null;
}

/** The inputs' layers, one on top of the other. */
export interface MergeOperation {
  readonly kind: "merge";
}

/** What the second input has that the first has not, as layers. */
export interface DiffOperation {
  readonly kind: "diff";
  /** Numbers of the inputs; null is an empty tree. */
  readonly lower: number | null;
  readonly upper: number | null;
}
