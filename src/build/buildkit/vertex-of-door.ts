import { createHash, randomUUID } from "node:crypto";
import { messageOf } from "../../base/errors.ts";
import { timestampNow } from "../../base/timestamp.ts";
import { type Digest, parseDigest } from "../../image/digest.ts";
import type { ReportCounter } from "../graph/solver.ts";
import type { StatusSink, VertexStatus } from "../graph/status.ts";

/** Says that a part of something is done: `writing image sha256:…`. */
export type Step = <T>(name: string, work: () => Promise<T> | T) => Promise<T>;

/**
 * Work that is no part of the graph but has its place in the progress: an export.
 * @throws what the work throws, having said so
 */
export async function asVertex<T>(
  sink: StatusSink,
  name: string,
  work: (step: Step, report: ReportCounter) => Promise<T>,
): Promise<T> {
  const digest = parseDigest(`sha256:${createHash("sha256").update(randomUUID()).digest("hex")}`);
  const started = timestampNow();
  const say = (change: Partial<VertexStatus>) =>
    sink({
      vertexes: [{ digest, inputs: [], name, started, completed: null, cached: false, error: "", ...change }],
    });
  await say({});
  try {
    const report: ReportCounter = (counter) => {
      void sink({ statuses: [{ ...counter, vertex: digest, timestamp: timestampNow() }] });
    };
    const result = await work((part, doing) => step(sink, digest, part, doing), report);
    await say({ completed: timestampNow() });
    return result;
  } catch (error) {
    await say({ completed: timestampNow(), error: messageOf(error) });
    throw error;
  }
}

async function step<T>(sink: StatusSink, vertex: Digest, id: string, work: () => Promise<T> | T): Promise<T> {
  const started = timestampNow();
  const say = (completed: string | null) =>
    sink({ statuses: [{ id, vertex, name: "", total: 0, current: 0, timestamp: timestampNow(), started, completed }] });
  await say(null);
  try {
    return await work();
  } finally {
    await say(timestampNow());
  }
}
