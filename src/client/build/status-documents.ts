/** Progress of a build as the engine tells it, in BuildKit's shape. Times are RFC 3339. */
export interface SolveStatusDocument {
  readonly vertexes?: readonly VertexDocument[];
  readonly statuses?: readonly CounterDocument[];
  readonly logs?: readonly LogDocument[];
  readonly warnings?: readonly WarningDocument[];
}

export interface VertexDocument {
  readonly digest: string;
  readonly inputs: readonly string[];
  readonly name: string;
  readonly started: string | null;
  readonly completed: string | null;
  readonly cached: boolean;
  readonly error: string;
  /** Why the cache had it or not. */
  readonly reason?: string;
}

export interface CounterDocument {
  readonly id: string;
  readonly vertex: string;
  readonly name: string;
  readonly total: number;
  readonly current: number;
}

export interface LogDocument {
  readonly vertex: string;
  readonly stream: "stdout" | "stderr";
  /** Base64. */
  readonly data: string;
}

export interface WarningDocument {
  readonly vertex: string;
  readonly short: string;
  readonly detail: readonly string[];
  readonly url: string;
  readonly file: string;
  readonly firstLine: number;
}
