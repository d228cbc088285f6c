import { createHash } from "node:crypto";
import { type Digest, parseDigest } from "../../image/digest.ts";
import type { Description, Edge, Operation, Vertex } from "./operation.ts";

/** A vertex named by its content. A client's raw LLB brings names of its own: see {@link Vertex}. */
export function vertexOf(operation: Operation, inputs: readonly Edge[], description: Partial<Description>): Vertex {
  return {
    digest: digestOfOperation(
      operation,
      inputs.map(({ vertex, output }) => [vertex.digest, output]),
    ),
    operation,
    inputs,
    description: { name: "", ignoreCache: false, ...description },
  };
}

/** The same operation on the same inputs has the same digest, whatever order its fields were written in. */
export function digestOfOperation(operation: Operation, inputs: readonly unknown[]): Digest {
  const text = JSON.stringify([operation, inputs], (key, value: unknown) => {
    if (key === "hiddenEnv") return undefined;
    if (value instanceof Uint8Array) return createHash("sha256").update(value).digest("hex");
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
  return parseDigest(`sha256:${createHash("sha256").update(text).digest("hex")}`);
}

/** All vertices that edges stand on, each once, inputs before those that use them. */
export function verticesOf(targets: readonly Edge[]): Vertex[] {
  const seen = new Map<Digest, Vertex>();
  // A loop, not a recursion: a hostile graph may be as deep as it likes.
  const stack = targets.map(({ vertex }) => ({ vertex, next: 0 })).reverse();
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const input = top.vertex.inputs[top.next++]?.vertex;
    if (input === undefined || seen.has(top.vertex.digest)) {
      seen.set(top.vertex.digest, seen.get(top.vertex.digest) ?? top.vertex);
      stack.pop();
    } else if (!seen.has(input.digest)) stack.push({ vertex: input, next: 0 });
  }
  return [...seen.values()];
}
