import type { Digest } from "../../image/digest.ts";

/**
 * Progress in BuildKit's shape (moby/buildkit, api/services/control: StatusResponse), so that every door renders the same.
 * Times are RFC 3339 with nanoseconds.
 */
export interface SolveStatus {
  readonly vertexes?: readonly VertexStatus[];
  readonly statuses?: readonly VertexCounter[];
  readonly logs?: readonly VertexLog[];
  readonly warnings?: readonly VertexWarning[];
}

/** Said again whenever something of it changes; the last one holds. */
export interface VertexStatus {
  readonly digest: Digest;
  readonly inputs: readonly Digest[];
  readonly name: string;
  readonly started: string | null;
  readonly completed: string | null;
  readonly cached: boolean;
  /** Empty: none. */
  readonly error: string;
  /** Why the cache had it or not, for a person. BuildKit has no such field. */
  readonly reason?: string;
}

/** How far a part of a vertex's work is: files sent, bytes downloaded. */
export interface VertexCounter {
  readonly id: string;
  readonly vertex: Digest;
  readonly name: string;
  readonly total: number;
  readonly current: number;
  readonly timestamp: string;
  readonly started: string | null;
  readonly completed: string | null;
}

export interface VertexLog {
  readonly vertex: Digest;
  readonly stream: "stdout" | "stderr";
  readonly data: Uint8Array;
  readonly timestamp: string;
}

export interface VertexWarning {
  readonly vertex: Digest;
  readonly level: number;
  /** `LegacyKeyValueFormat: "ENV key=value" should be used …` */
  readonly short: string;
  readonly detail: readonly string[];
  readonly url: string;
  readonly file: string;
  readonly firstLine: number;
  readonly lastLine: number;
}

/** Resolves when more may come: a client that reads slowly slows the build's output. */
export type StatusSink = (status: SolveStatus) => Promise<void> | void;
