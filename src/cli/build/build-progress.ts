import type { SolveStatusDocument, VertexDocument } from "../../client/build/status-documents.ts";

/** A step as it is known by now, in the order in which it was first heard of. */
export interface StepState {
  readonly number: number;
  readonly vertex: VertexDocument;
  readonly counters: ReadonlyMap<string, { readonly name: string; readonly current: number; readonly total: number }>;
  /** The end of its output, line by line. */
  readonly tail: readonly string[];
}

/** How much of each step's output is remembered, for a failure. */
const TAIL_LINES = 40;

/** What a build has said so far: for those who draw it, explain it or make a picture of it. */
export class BuildRecord {
  readonly #steps = new Map<string, StepState>();
  readonly #decoders = new Map<string, TextDecoder>();
  /** Warnings, each once. */
  readonly warnings: { readonly text: string; readonly place: string }[] = [];

  /** @returns the steps that have changed, and the new output of each. */
  take({ vertexes = [], statuses = [], logs = [], warnings = [] }: SolveStatusDocument): {
    changed: StepState[];
    output: { step: StepState; text: string }[];
  } {
    const changed: StepState[] = [];
    const output: { step: StepState; text: string }[] = [];
    for (const vertex of vertexes) {
      const known = this.#steps.get(vertex.digest);
      const step = known
        ? { ...known, vertex }
        : { number: this.#steps.size + 1, vertex, counters: new Map(), tail: [] };
      this.#steps.set(vertex.digest, step);
      changed.push(step);
    }
    for (const { vertex, id, name, current, total } of statuses) {
      const step = this.#steps.get(vertex);
      if (step)
        this.#steps.set(vertex, { ...step, counters: new Map([...step.counters, [id, { name, current, total }]]) });
    }
    for (const { vertex, stream, data } of logs) {
      const step = this.#steps.get(vertex);
      if (!step) continue;
      const key = `${vertex} ${stream}`;
      const decoder = this.#decoders.get(key) ?? new TextDecoder();
      this.#decoders.set(key, decoder);
      const text = decoder.decode(Buffer.from(data, "base64"), { stream: true });
      const last = step.tail.at(-1) ?? "";
      const lines = [...step.tail.slice(0, -1), ...(last + text).split("\n")].slice(-TAIL_LINES);
      const next = { ...step, tail: lines };
      this.#steps.set(vertex, next);
      output.push({ step: next, text });
    }
    for (const { short, file, firstLine } of warnings)
      this.warnings.push({ text: short, place: `${file}:${firstLine}` });
    return { changed, output };
  }

  steps(): StepState[] {
    return [...this.#steps.values()];
  }

  /** The step that failed by itself; those that were stopped because of it do not count. */
  failed(): StepState | null {
    return this.steps().find(({ vertex }) => vertex.error !== "" && vertex.error !== "canceled") ?? null;
  }
}

/** Seconds between two times as the engine tells them. */
export function secondsOf({ started, completed }: VertexDocument, nowMs = Date.now()): number {
  if (started === null) return 0;
  const end = completed === null ? nowMs : Date.parse(completed);
  return Math.max(0, (end - Date.parse(started)) / 1000);
}

/** Nobody reads of what only prepares: steps without a name, or ones that never began. */
export function isShown({ vertex }: StepState): boolean {
  return vertex.name !== "";
}
