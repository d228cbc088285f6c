import { createHash } from "node:crypto";
import { fromBinary } from "@bufbuild/protobuf";
import { fail, messageOf } from "../../base/errors.ts";
import { type Digest, parseDigest } from "../../image/digest.ts";
import type { Edge, Operation, Vertex } from "../graph/operation.ts";
import { execOperation } from "./llb-exec.ts";
import { fileOperation } from "./llb-file.ts";
import { numberOrNone } from "./llb-input.ts";
import { sourceOperation } from "./llb-source.ts";
import { type Definition, type Op, OpSchema } from "./proto/ops_pb.ts";

/** More than any real build has. */
const MAX_OPERATIONS = 100_000;

/**
 * A client's graph in our words. null for the empty one, which stands for an empty tree.
 * @throws invalid for a graph with missing parts or a circle, not-implemented for operations that we do not have
 */
export function edgeOf({ def, metadata }: Definition): Edge | null {
  if (def.length > MAX_OPERATIONS)
    fail("invalid", "LLB_SIZE", `a build graph has at most ${MAX_OPERATIONS} operations`);
  const operations = new Map(def.map((bytes) => [digestOf(bytes), parse(bytes)]));
  const last = def.at(-1);
  if (!last) return null;
  const vertices = new Map<string, Vertex>();
  // Whoever writes LLB puts inputs before those that use them: no recursion, and no circle can pass.
  for (const [digest, op] of operations) {
    if (op.op.case === undefined) continue;
    const inputs = op.inputs.map((input) => edge(vertices, input, digest));
    const { description = {}, ignoreCache = false } = metadata[digest] ?? {};
    const operation = operationOf(op, inputs.length);
    const name = description["llb.customname"] ?? nameOf(op, operation);
    vertices.set(digest, { digest, operation, inputs, description: { name, ignoreCache } });
  }
  const target = operations.get(digestOf(last));
  const [input] = target?.inputs ?? [];
  if (target?.op.case !== undefined || !input)
    fail("invalid", "LLB_TARGET", "the build graph does not say what to build");
  return edge(vertices, input, digestOf(last));
}

function edge(vertices: ReadonlyMap<string, Vertex>, input: { digest: string; index: bigint }, user: Digest): Edge {
  const vertex = vertices.get(input.digest);
  if (!vertex) fail("invalid", "LLB_INPUT", `the build graph's ${user} needs ${input.digest}, which is not before it`);
  return { vertex, output: Number(input.index) };
}

function operationOf(op: Op, inputs: number): Operation {
  const { case: kind, value } = op.op;
  switch (kind) {
    case "source":
      return sourceOperation(value, op.platform);
    case "exec":
      return execOperation(value);
    case "file":
      return fileOperation(value);
    case "merge":
      if (value.inputs.some(({ input }, at) => Number(input) !== at) || value.inputs.length !== inputs) {
        fail("not-implemented", "LLB_MERGE", "a merge has to take its inputs in order");
      }
      return { kind: "merge" };
    case "diff":
      return { kind: "diff", lower: numberOrNone(value.lower?.input), upper: numberOrNone(value.upper?.input) };
    default:
      return fail("not-implemented", "LLB_OPERATION", `the build operation ${kind} is not supported`);
  }
}

function nameOf(op: Op, operation: Operation): string {
  switch (operation.kind) {
    case "source":
      return op.op.case === "source" ? op.op.value.identifier : "";
    case "exec":
      return operation.args.join(" ");
    case "file":
      return operation.actions.map(({ change }) => change.type).join(", ");
    default:
      return operation.kind;
  }
}

function parse(bytes: Uint8Array): Op {
  try {
    return fromBinary(OpSchema, bytes);
  } catch (cause) {
    return fail(
      "invalid",
      "LLB_OPERATION",
      `the build graph has an operation that cannot be read: ${messageOf(cause)}`,
    );
  }
}

function digestOf(bytes: Uint8Array): Digest {
  return parseDigest(`sha256:${createHash("sha256").update(bytes).digest("hex")}`);
}
