import { createHash } from "node:crypto";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { OpSchema } from "../../src/build/buildkit/proto/ops_pb.ts";

type Op = MessageInitShape<typeof OpSchema>;

/** An operation of a graph that is being written, as an input of others. */
export interface Node {
  readonly digest: string;
}

/** Writes a graph in LLB, as moby/buildkit's client/llb does. */
export class Graph {
  readonly def: Uint8Array[] = [];
  readonly metadata: Record<string, never> = {};

  add(op: Op["op"], inputs: readonly (Node | readonly [Node, number])[] = []): Node {
    return this.#push({
      op,
      inputs: inputs.map((input) => {
        const [node, index] = "digest" in input ? [input, 0] : input;
        return { digest: node.digest, index: BigInt(index) };
      }),
    });
  }

  source(identifier: string, attrs: Record<string, string> = {}): Node {
    return this.add({ case: "source", value: { identifier, attrs } });
  }

  /** Says what to build; nothing is added after that. */
  build(node: Node): this {
    this.#push({ inputs: [{ digest: node.digest, index: 0n }] });
    return this;
  }

  #push(op: Op): Node {
    const bytes = toBinary(OpSchema, create(OpSchema, op));
    this.def.push(bytes);
    return { digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}` };
  }
}
