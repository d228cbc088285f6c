import type { ChainId } from "../../image/digest.ts";
import type { BuildParts } from "../build-parts.ts";
import { hashNode } from "../context/file-tree.ts";
import type { Operation, Vertex } from "./operation.ts";
import type { ReportCounter, Result, SolveRequest } from "./solver.ts";
import type { SourceFiles } from "./source-files.ts";

/** One vertex being carried out: what its work gets to see. */
export interface Job<O extends Operation = Operation> {
  readonly parts: BuildParts;
  readonly request: SolveRequest;
  readonly vertex: Vertex;
  readonly operation: O;
  /** Of the vertex's inputs, in their order. */
  readonly inputs: readonly Result[];
  readonly signal: AbortSignal;
  readonly log: (stream: "stdout" | "stderr", bytes: Uint8Array) => Promise<void>;
  readonly report: ReportCounter;
  /** Keeps a layer while the solve runs. */
  readonly hold: (chainId: ChainId) => void;
  /** Disposed of when the solve and whoever uses its results are done. */
  readonly keep: (disposable: AsyncDisposable) => void;
}

/** What a vertex's outcome depends on, for the cache: one fact for each input. */
export interface KeyFacts {
  /** Layers by their ids, a client's files by what is taken of them: known without reading a file. */
  readonly quick: () => Promise<readonly string[]>;
  /** Layers too by the content of what is taken from them; null where the quick facts say all. */
  readonly exact: (() => Promise<readonly string[]>) | null;
}

export interface Work {
  readonly outputs: readonly (ChainId | null)[];
  /** Digests of what was copied: see CachedResult. */
  readonly copied?: readonly string[];
}

/** What an input is, for a key: its layers, or the content of its files. */
export function identityOf(result: Result): string {
  return result.kind === "layers" ? (result.chainId ?? "empty") : `files:${contentOf(result.files)}`;
}

const contents = new WeakMap<SourceFiles, string>();

function contentOf(files: SourceFiles): string {
  const known = contents.get(files);
  if (known !== undefined) return known;
  const content = hashNode(files.tree, files.tree.root);
  contents.set(files, content);
  return content;
}
