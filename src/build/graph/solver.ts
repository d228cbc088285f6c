import type { Resources } from "../../engine/container-config.ts";
import type { ChainId, Digest } from "../../image/digest.ts";
import type { Edge, LocalSource } from "./operation.ts";
import type { SourceFiles } from "./source-files.ts";
import type { StatusSink, VertexCounter } from "./status.ts";

/** What an edge came to. */
export type Result =
  /** A root file system in the LayerStore; null is an empty one. */
  | { readonly kind: "layers"; readonly chainId: ChainId | null }
  /** Files of a client, a repository or a download: known by content, unpacked where something needs them. */
  | { readonly kind: "files"; readonly files: SourceFiles };

export function layersResult(chainId: ChainId | null): Result {
  return { kind: "layers", chainId };
}

/** What a build needs from whoever asked for it. Each may be called from several vertices at once. */
export interface SolveSources {
  /** The client's files. They are disposed of when the solve is over. @throws not-found for a name it does not have. */
  readonly local: (source: LocalSource, report: ReportCounter, signal: AbortSignal) => Promise<SourceFiles>;
  /** null: the client has no such secret. */
  readonly secret: (id: string) => Promise<Uint8Array | null>;
  /** Path of a socket on this host that leads to the client's agent; null: it forwards none. Open while the solve runs. */
  readonly ssh: (id: string) => Promise<string | null>;
  /** How the client makes itself known to a registry (`docker.io`); missing or null: not at all. */
  readonly registryLogin?: (host: string) => Promise<RegistryLogin | null>;
}

/** Either a name with a password, or with the token that a registry gave in its place. */
export interface RegistryLogin {
  readonly username: string;
  readonly password: string;
  readonly identityToken: string;
}

/** Says how far something is; the vertex is filled in. */
export type ReportCounter = (counter: Omit<VertexCounter, "vertex" | "timestamp">) => void;

export type Entitlement = "network.host" | "security.insecure";

/** Limits of all exec vertices of a solve; they leave no trace in the cache. */
export interface ExecLimits {
  readonly resources: Resources;
  /** 0 is the default. */
  readonly shmSizeBytes: number;
  readonly securityOptions: readonly string[];
}

export interface SolveRequest {
  readonly targets: readonly Edge[];
  readonly sources: SolveSources;
  readonly status: StatusSink;
  /** Ends every vertex at once. */
  readonly abort: AbortSignal;
  readonly entitlements: ReadonlySet<Entitlement>;
  readonly limits: ExecLimits;
  /** Nothing from the cache; results are still recorded. */
  readonly noCache: boolean;
  /** SOURCE_DATE_EPOCH in seconds: later times in layers become this one. null: they stay. */
  readonly epochSeconds: number | null;
  /** Told of each vertex as soon as it is done. */
  readonly onOutcome?: (vertex: Digest, outcome: VertexOutcome) => void;
}

/** Of each vertex that was solved. */
export interface VertexOutcome {
  readonly results: readonly Result[];
  readonly cached: boolean;
  /** When the result was made, RFC 3339: that of the first making, so that a cached build gives the same image. */
  readonly created: string;
  /** `file:` or `dir:` and hex digits for each thing that was copied, as a classic history shows them. */
  readonly copied: readonly string[];
  /** Under which the cache has it; none for a source. */
  readonly keys: readonly string[];
}

/** Layers of the results stay until this is disposed of. */
export interface Solved extends AsyncDisposable {
  /** One for each target. */
  readonly results: readonly Result[];
  readonly outcomes: ReadonlyMap<Digest, VertexOutcome>;
}
